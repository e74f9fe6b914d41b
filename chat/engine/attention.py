"""Attention for one shared batch on a CPU: every request looks at its own keys only.

The stock path multiplies all queries with the keys of all requests and masks the foreign ones away,
so its cost grows with the square of the number of requests. Knows nothing of requests beyond where
each begins and ends in the batch.
"""

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
    cache: Any,
    cu_seq_lens_q: torch.Tensor,
    cu_seq_lens_k: dict[str, torch.Tensor],
    sliding_window: int | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """Query is [1, heads, tokens, width], key and value have fewer heads; heads come out third.

    `attention_mask` is always None: the masks are made here, per request.
    """
    paging = {"cu_seq_lens_k": cu_seq_lens_k, **kwargs}
    key, value = cache.update(key, value, module.layer_idx, paging)
    queries = pairwise(cu_seq_lens_q.tolist())
    keys = pairwise(paging["cu_seq_lens_k"].tolist())
    out = torch.empty_like(query)
    for (q0, q1), (k0, k1) in zip(queries, keys, strict=True):
        k, v = key[:, :, k0:k1], value[:, :, k0:k1]
        out[:, :, q0:q1] = _attend(query[:, :, q0:q1], k, v, scaling, sliding_window)
    return out.transpose(1, 2), None


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
        packed = query.view(1, key.shape[1], groups, width)
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
