import pytest
import torch

from chat.engine import lanes as module
from chat.engine.lanes import Lanes, Turn

HEADS, KV, WIDTH, LAYERS = 4, 2, 8, 2


class Pages:
    """The keys and values of each request, as the paged cache would hold them."""

    def __init__(self):
        self.rows = {}
        self.read = []

    def grow(self, request, count):
        new = torch.randn(2, LAYERS, KV, count, WIDTH)
        old = self.rows.get(request, new[:, :, :, :0])
        self.rows[request] = torch.cat([old, new], 3)
        return new

    def reader(self, layer, requests):
        def of(place):
            self.read.append((layer, requests[place]))
            return [part[layer] for part in self.rows[requests[place]]]

        return of


def alone(query, keys, values):
    """One token of one request, written out in float64."""
    k, v = (part.double().repeat_interleave(HEADS // KV, 0) for part in (keys, values))
    weights = (k @ query.double()[:, :, None] * 0.3).softmax(1)
    return (weights * v).sum(1).float()


def run_step(lanes, pages, turns):
    """All layers of one step; checks each token in a lane against the pages."""
    new = {t.request: pages.grow(t.request, t.new) for t in turns}
    lanes.prepare([Turn(t.request, pages.rows[t.request].shape[3], t.new) for t in turns])
    names = [t.request for t in turns]
    step = lanes.step
    for layer in range(LAYERS):
        query = torch.randn(HEADS, sum(t.new for t in turns), WIDTH)
        fresh = [torch.cat([new[name][part, layer] for name in names], 1) for part in (0, 1)]
        out = lanes.attend(layer, query, tuple(fresh), pages.reader(layer, names), 0.3)
        for row, token in enumerate(step.tokens.tolist()):
            name = [name for name, t in zip(names, turns, strict=True) for _ in range(t.new)][token]
            wanted = alone(query[:, token], *pages.rows[name][:, layer])
            assert torch.allclose(out[:, row], wanted, atol=1e-5), (name, layer)
    return {names[place] for place in step.places}


@pytest.fixture
def lanes():
    torch.manual_seed(7)
    return Lanes(layers=LAYERS, heads=KV, width=WIDTH, count=4, dtype=torch.float32)


@pytest.fixture
def pages():
    pages = Pages()
    for request, length in (("a", 5), ("b", 300), ("c", 9), ("d", 12)):
        pages.grow(request, length)
    return pages


def turns(names):
    return [Turn(name, 0, 1) for name in names]


def test_each_token_sees_the_keys_of_its_own_request(lanes, pages):
    for names in ("ab", "abc", "cab", "dcab", "dc", "c", "cabd"):
        assert run_step(lanes, pages, turns(names)) == set(names)


def test_keys_are_read_from_the_pages_once(lanes, pages):
    run_step(lanes, pages, turns("ac"))
    assert set(pages.read) == {(layer, name) for layer in range(LAYERS) for name in "ac"}
    pages.read.clear()
    run_step(lanes, pages, turns("ca"))
    run_step(lanes, pages, turns("cad"))
    assert set(pages.read) == {(layer, "d") for layer in range(LAYERS)}


def test_who_missed_a_step_is_read_anew(lanes, pages):
    run_step(lanes, pages, turns("ac"))
    pages.grow("a", 1)
    pages.read.clear()
    run_step(lanes, pages, turns("ac"))
    assert {name for _, name in pages.read} == {"a"}


def test_prompts_in_the_same_step_stay_out_of_the_lanes(lanes, pages):
    mixed = [Turn("a", 0, 1), Turn("new", 0, 6), Turn("b", 0, 1), Turn("one", 0, 1)]
    assert run_step(lanes, pages, mixed) == {"a", "b"}


@pytest.mark.parametrize("waste", [0.5, 100.0])
def test_padded_and_one_by_one_are_the_same(lanes, pages, waste, monkeypatch):
    monkeypatch.setattr(module, "WASTE", waste)
    run_step(lanes, pages, turns("abcd"))
    assert (lanes.step.mask is None) == (waste < 1)


def test_more_requests_than_lanes_use_none(lanes, pages):
    pages.grow("e", 3)
    lanes.prepare([Turn(name, 4, 1) for name in "abcde"])
    assert not lanes.step.places


def test_what_memory_cannot_hold_stays_in_the_pages(pages, monkeypatch):
    monkeypatch.setattr(module, "MEMORY_SHARE", 10**9)
    small = Lanes(layers=LAYERS, heads=KV, width=WIDTH, count=4, dtype=torch.float32)
    small.prepare([Turn("b", 301, 1)])
    assert not small.step.places


def test_a_lane_keeps_nothing_of_who_held_it_before(lanes, pages):
    broken = pages.grow("broken", 40)
    broken.fill_(float("inf"))
    pages.rows["broken"] = broken
    lanes.prepare([Turn("broken", 40, 1), Turn("c", 9, 1)])
    keys = torch.full((KV, 2, WIDTH), float("inf"))
    reader = pages.reader(0, ["broken", "c"])
    lanes.attend(0, torch.randn(HEADS, 2, WIDTH), (keys, keys), reader, 0.3)
    run_step(lanes, pages, turns("da"))
