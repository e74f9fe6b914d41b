"""Attention for one shared batch on a CPU: every request looks at its own keys only.

The stock path gathers the keys of all requests, multiplies all queries with them and masks the
foreign ones away, so its cost grows with the square of the number of requests. Here each request's
keys and values are gathered into a small buffer that stays in the processor's cache while they are
used. Knows nothing of requests beyond where each begins and ends in the batch.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention as attend
from transformers import AttentionInterface

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
    pairs = _keys_and_values(int(module.layer_idx), key, value, sliding_window, paging)
    for (start, end), (k, v) in zip(pairwise(cu_seq_lens_q.tolist()), pairs, strict=True):
        out[:, :, start:end] = _attend(query[:, :, start:end], k, v, scaling, sliding_window)
    return out.transpose(1, 2), None


def _keys_and_values(
    layer: int, key: torch.Tensor, value: torch.Tensor, window: int | None, paging: dict[str, Any]
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Stores the new keys and values; yields those of each request as [1, heads, keys, width]."""
    cache = paging.pop("cache")
    allocator = cache.layer_to_allocator[layer]
    lengths = paging["cu_seq_lens_k"][allocator.layer_type].tolist()
    read = paging["read_index"][allocator.index]
    if window is not None or not len(read):  # rings are unrolled, and fresh prompts used, by it
        key, value = cache.update(key, value, layer, paging)
        yield from ((key[:, :, a:b], value[:, :, a:b]) for a, b in pairwise(lengths))
        return
    write = paging["write_index"][allocator.index]
    stores = allocator._kv_token_views[layer]
    for store, new in zip(stores, (key, value), strict=True):
        store.index_copy_(0, write, new[0].transpose(0, 1))
    buffers = _buffers(cache, stores[0], max(b - a for a, b in pairwise(lengths)))
    for a, b in pairwise(lengths):
        found = (
            torch.index_select(store, 0, read[a:b], out=buffer[: b - a])
            for store, buffer in zip(stores, buffers, strict=True)
        )
        k, v = (rows.transpose(0, 1)[None] for rows in found)
        yield k, v


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
