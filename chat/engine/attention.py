"""Attention for one shared batch on a CPU: every request looks at its own keys only.

The stock path gathers the keys of all requests, multiplies all queries with them and masks the
foreign ones away, so its cost grows with the square of the number of requests. Here answers under
way have lanes of their own, and a prompt's keys and values are gathered into a small buffer that
stays in the processor's cache. Knows nothing of requests beyond where each begins and ends.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention as attend
from transformers import AttentionInterface

from chat.engine.lanes import Lanes

NAME = "each_request"


def attend_each_request(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    scaling: float,
    cu_seq_lens_q: torch.Tensor,
    sliding_window: int | None = None,
    **paging: Any,
) -> tuple[torch.Tensor, None]:
    """Query is [1, heads, tokens, width], key and value have fewer heads; heads come out third.

    `attention_mask` is always None: the masks are made here, per request.
    """
    out = torch.empty_like(query)
    cache, spans = paging["cache"], list(pairwise(cu_seq_lens_q.tolist()))
    pages = _Pages(int(module.layer_idx), key, value, sliding_window, paging)
    lanes: Lanes | None = getattr(cache, "lanes", None)
    places = lanes.step.places if lanes else frozenset()
    if lanes and places:
        new = (key[0], value[0])
        out[0, :, lanes.step.tokens] = lanes.attend(pages.layer, query[0], new, pages.of, scaling)
    for place, (start, end) in enumerate(spans):
        if place not in places:
            k, v = (part[None] for part in pages.of(place))
            out[:, :, start:end] = _attend(query[:, :, start:end], k, v, scaling, sliding_window)
    return out.transpose(1, 2), None


class _Pages:
    """The paged cache as one layer of one step sees it; stores the new keys and values."""

    def __init__(
        self,
        layer: int,
        key: torch.Tensor,
        value: torch.Tensor,
        window: int | None,
        paging: dict[str, Any],
    ) -> None:
        self.layer, self._cache = layer, paging.pop("cache")
        allocator = self._cache.layer_to_allocator[layer]
        self._ends = paging["cu_seq_lens_k"][allocator.layer_type].tolist()
        self._longest = max(b - a for a, b in pairwise(self._ends))
        self._read = paging["read_index"][allocator.index]
        self._stores: Sequence[torch.Tensor] = ()
        self._unrolled: tuple[torch.Tensor, ...] = ()
        if window is not None or not len(self._read):  # rings are unrolled, fresh prompts used
            self._unrolled = self._cache.update(key, value, layer, paging)
            return
        self._stores = allocator._kv_token_views[layer]
        write = paging["write_index"][allocator.index]
        for store, new in zip(self._stores, (key, value), strict=True):
            store.index_copy_(0, write, new[0].transpose(0, 1))

    def of(self, place: int) -> list[torch.Tensor]:
        """Keys and values of one request of the batch, each [kv heads, keys, width].

        They share a buffer with those of the next request.
        """
        start, end = self._ends[place : place + 2]
        if self._unrolled:
            return [rows[0, :, start:end] for rows in self._unrolled]
        return [
            torch.index_select(
                store, 0, self._read[start:end], out=buffer[: end - start]
            ).transpose(0, 1)
            for store, buffer in zip(
                self._stores, _buffers(self._cache, self._stores[0], self._longest), strict=True
            )
        ]


def _buffers(cache: Any, store: torch.Tensor, rows: int) -> torch.Tensor:
    """Room for one request's keys and one's values, kept with the cache it belongs to."""
    buffers: torch.Tensor | None = getattr(cache, "request_buffers", None)
    if buffers is None or buffers.shape[1] < rows:
        buffers = store.new_empty((2, 2 * rows, *store.shape[1:]))
        cache.request_buffers = buffers
    return buffers


def _attend(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    scaling: float,
    window: int | None,
) -> torch.Tensor:
    _, heads, queries, width = query.shape
    groups, keys = heads // key.shape[1], key.shape[2]
    if queries == 1:  # a decode step: the heads that share keys become rows of one small product
        packed = query.reshape(1, key.shape[1], groups, width)
        return attend(packed, key, value, scale=scaling).view(1, heads, 1, width)
    key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
    if queries == keys and (window is None or keys <= window):
        return attend(query, key, value, scale=scaling, is_causal=True)
    return attend(query, key, value, attn_mask=_mask(queries, keys, window), scale=scaling)


@lru_cache(maxsize=4)
def _mask(queries: int, keys: int, window: int | None) -> torch.Tensor:
    """True where a query may look; the last query stands at the last key."""
    ones = torch.ones(queries, keys, dtype=torch.bool)
    mask = ones.tril(keys - queries)
    return mask if window is None else mask & ones.triu(keys - queries - window + 1)


AttentionInterface.register(NAME, attend_each_request)
