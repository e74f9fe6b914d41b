"""The keys and values of answers under way, side by side, for steps that add one token to each.

The paged cache scatters a request over many small pages, so every step would have to gather it
anew. Here each request that decodes has a lane of its own: a step appends one key and one value
to each, and all lanes are multiplied at once. The pages stay the truth; a lane is filled from
them when its request enters, moves, or has missed a step. Knows request ids, lengths and tensors.
"""

import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch.nn.functional import scaled_dot_product_attention as attend

# Room grows by this many keys at a time.
STRIDE = 256
# Lanes take at most this part of the machine's memory; without room for all there are none.
MEMORY_SHARE = 8
# From this ratio of padded to real keys on, lanes are multiplied one by one.
WASTE = 1.5

# Place of a request in the batch -> its keys and its values, each [kv heads, keys, width].
FromPages = Callable[[int], Sequence[torch.Tensor]]


class Turn(NamedTuple):
    """One request in a step: its id, its keys with those of the step, and its new tokens."""

    request: str
    keys: int
    new: int


@dataclass(frozen=True)
class _Step:
    """What all layers of one step need; everything but `places` is in the order of lanes."""

    # Which requests of the batch are in lanes.
    places: frozenset[int] = frozenset()
    tokens: torch.Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.long))
    lengths: Sequence[int] = ()
    # (lane, place in the batch) of those that must be filled from the pages.
    entering: Sequence[tuple[int, int]] = ()
    # 0 where a lane has a key, -inf behind its end; None when lanes are multiplied one by one.
    mask: torch.Tensor | None = None


class Lanes:
    """Lanes for at most `count` requests of a model with these layers, kv heads and head width."""

    def __init__(
        self, *, layers: int, heads: int, width: int, count: int, dtype: torch.dtype
    ) -> None:
        self._shape = (2, layers, count, heads)
        self._width, self._count, self._dtype = width, count, dtype
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // MEMORY_SHARE
        per_key = 2 * layers * count * heads * width * dtype.itemsize
        self._most = memory // per_key
        self._store = torch.empty(*self._shape, 0, width, dtype=dtype)
        self._held: list[tuple[str, int]] = []
        self.step = _Step()

    def prepare(self, turns: Sequence[Turn]) -> None:
        """Says what the next forward pass holds; requests that add one token get lanes."""
        places = {t.request: place for place, t in enumerate(turns) if t.new == 1 and t.keys > 1}
        longest = max((turns[place].keys for place in places.values()), default=0)
        if not places or len(places) > self._count or not self._make_room(longest):
            self._held, self.step = [], _Step()
            return
        order = _lanes_for(places, [name for name, _ in self._held])
        lengths = [turns[places[name]].keys for name in order]
        held = [*self._held, *[("", 0)] * len(order)]
        entering = [
            (lane, places[name])
            for lane, (name, keys) in enumerate(zip(order, lengths, strict=True))
            if held[lane] != (name, keys - 1)
        ]
        starts = torch.tensor([0, *(turn.new for turn in turns)]).cumsum(0)
        self._held = list(zip(order, lengths, strict=True))
        batch = [places[name] for name in order]
        self.step = _Step(frozenset(batch), starts[batch], lengths, entering, self._mask(lengths))

    def attend(
        self,
        layer: int,
        query: torch.Tensor,
        new: tuple[torch.Tensor, torch.Tensor],
        from_pages: FromPages,
        scaling: float,
    ) -> torch.Tensor:
        """Attention of the tokens in lanes: [heads, tokens, width], in the order of `step.tokens`.

        `query` is [heads, tokens of the batch, width]; `new` are its keys and values, with fewer
        heads.
        """
        step, count = self.step, len(self.step.lengths)
        keys, values = self._store[:, layer]
        last = torch.tensor(step.lengths) - 1
        for lane, place in step.entering:
            for store, pages in zip((keys, values), from_pages(place), strict=True):
                store[lane, :, : pages.shape[1]] = pages
                # No weight is no help against what is not finite: 0 * inf is NaN.
                store[lane, :, pages.shape[1] :] = 0
        for store, fresh in zip((keys, values), new, strict=True):
            store[torch.arange(count), :, last] = fresh[:, step.tokens].transpose(0, 1)
        # The heads that share keys become rows of one small product.
        packed = (
            query[:, step.tokens].transpose(0, 1).reshape(count, keys.shape[1], -1, self._width)
        )
        if step.mask is not None:
            longest = step.mask.shape[-1]
            out = attend(
                packed,
                keys[:count, :, :longest],
                values[:count, :, :longest],
                attn_mask=step.mask,
                scale=scaling,
            )
        else:
            out = torch.cat(
                [
                    attend(
                        packed[lane : lane + 1],
                        keys[lane : lane + 1, :, :length],
                        values[lane : lane + 1, :, :length],
                        scale=scaling,
                    )
                    for lane, length in enumerate(step.lengths)
                ]
            )
        return out.reshape(count, -1, self._width).transpose(0, 1)

    def _make_room(self, longest: int) -> bool:
        """False when so many keys for every lane would take too much memory."""
        if longest > self._most:
            return False
        if longest > self._store.shape[-2]:
            room = min(-(-longest // STRIDE) * STRIDE, self._most)
            self._store = torch.empty(*self._shape, room, self._width, dtype=self._dtype)
            self._held = []
        return True

    def _mask(self, lengths: Sequence[int]) -> torch.Tensor | None:
        longest = max(lengths)
        if longest * len(lengths) > WASTE * sum(lengths):
            return None
        behind = torch.arange(longest) >= torch.tensor(lengths)[:, None]
        mask = torch.zeros(len(lengths), longest, dtype=self._dtype)
        return mask.masked_fill_(behind, float("-inf"))[:, None, None]


def _lanes_for(wanted: Collection[str], held: Sequence[str]) -> list[str]:
    """The requests by lane, without a gap; who has a lane that still exists keeps it."""
    kept = [name if name in wanted else None for name in held[: len(wanted)]]
    kept += [None] * (len(wanted) - len(kept))
    rest = iter([name for name in wanted if name not in kept])
    return [name if name is not None else next(rest) for name in kept]
