from types import SimpleNamespace

import pytest
import torch

from chat.engine import Sampling
from chat.engine.sampling import RequestSampling


def draw(scores, settings, position=5):
    """Token per row, as the batch would choose it."""
    sampling = RequestSampling(route=lambda requests: None)
    requests = [
        SimpleNamespace(
            has_new_token=True,
            state=SimpleNamespace(logit_processor_kwargs=each, position_offset=position),
        )
        for each in settings
    ]
    storage = torch.zeros(sampling.tensors_required, len(settings), dtype=torch.int32)
    sampling.prepare_tensor_args(requests, storage)
    return sampling(None, scores, storage).argmax(-1).tolist()


@pytest.fixture
def scores():
    return torch.tensor([[2.0, 1.0, 0.0, -1.0, -9.0]])


def test_draws_follow_the_softmax(scores):
    settings = [{"temperature": 1.0, "seed": seed} for seed in range(6000)]
    drawn = torch.bincount(torch.tensor(draw(scores.expand(6000, -1), settings)), minlength=5)
    assert torch.allclose(drawn / 6000, scores.softmax(-1)[0], atol=0.03)


def test_temperature_zero_takes_the_best(scores):
    assert (
        draw(scores.expand(50, -1), [{"temperature": 0.0, "seed": s} for s in range(50)])
        == [0] * 50
    )


def test_top_k_and_top_p_cut_the_tail(scores):
    rows = scores.expand(500, -1)
    top_k = draw(rows, [{"temperature": 3.0, "top_k": 2, "seed": s} for s in range(500)])
    assert set(top_k) == {0, 1}
    # 0.64 and 0.87 cumulated at temperature 1: the first that reaches 0.7 is the second
    top_p = draw(rows, [{"temperature": 1.0, "top_p": 0.7, "seed": s} for s in range(500)])
    assert set(top_p) == {0, 1}


def test_a_tiny_top_p_is_greedy(scores):
    settings = [{"temperature": 5.0, "top_p": 1e-6, "seed": s} for s in range(50)]
    assert set(draw(scores.expand(50, -1), settings)) == {0}


def test_seed_and_position_decide_and_neighbours_do_not(scores):
    flat = torch.zeros(1, 200)
    mine = {"temperature": 1.0, "seed": 3}
    alone = draw(flat, [mine])
    crowd = draw(flat.expand(4, -1), [{}, {"temperature": 0.5, "seed": 9}, mine, mine])
    assert crowd[2] == crowd[3] == alone[0]
    assert draw(flat, [mine], position=6) != alone
    assert draw(flat, [mine | {"seed": 4}]) != alone


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": -1},
        {"temperature": float("nan")},
        {"top_p": 0},
        {"top_p": 1.1},
        {"top_k": -1},
        {"max_tokens": 0},
    ],
)
def test_settings_without_sense_are_refused(wrong):
    with pytest.raises(ValueError, match="must be"):
        Sampling(**wrong)
