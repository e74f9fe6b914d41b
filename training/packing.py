"""Batches without padding: the examples of a batch lie end to end in one row, kept apart.

Positions begin anew with each example and attention looks at its own example only, so each is
learned as it would be alone; what is saved is the padding to the longest. Knows ids and tensors.
"""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface

from training.masking import IGNORED, Masked

NAME = "each_example"


def pack_batch(batch: Sequence[Masked]) -> dict[str, Any]:
    """One row of all ids, [1, tokens], with logits only where the next token is learned."""
    ids = [number for example in batch for number in example.ids]
    # What each position should say; an example's last token says nothing of the next example.
    wanted = [number for example in batch for number in (*example.labels[1:], IGNORED)]
    learned = [at for at, number in enumerate(wanted) if number != IGNORED]
    labels = torch.tensor([[wanted[at] for at in learned]])
    return {
        "input_ids": torch.tensor([ids]),
        "position_ids": torch.tensor([[at for example in batch for at in range(len(example))]]),
        "cu_seq_lens_q": torch.tensor(list(accumulate(map(len, batch), initial=0))),
        "logits_to_keep": torch.tensor(learned),
        # Shifted here already; the model asks for `labels` before it computes a loss at all.
        "labels": labels,
        "shift_labels": labels,
    }


def attend_each_example(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    scaling: float,
    cu_seq_lens_q: torch.Tensor,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """Query is [1, heads, tokens, width], key and value have fewer heads; heads come out third.

    `attention_mask` is always None: examples are told apart by where they begin and end.
    """
    groups = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
    parts = [
        _attend(
            *(part[:, :, start:end] for part in (query, key, value)),
            scaling=scaling,
            dropout=dropout,
            window=sliding_window,
        )
        for start, end in pairwise(cu_seq_lens_q.tolist())
    ]
    return torch.cat(parts, 2).transpose(1, 2), None


def _attend(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    *,
    scaling: float,
    dropout: float,
    window: int | None,
) -> torch.Tensor:
    length = query.shape[2]
    if window is None or length <= window:
        return scaled_dot_product_attention(
            query, key, value, dropout_p=dropout, scale=scaling, is_causal=True
        )
    ones = torch.ones(length, length, dtype=torch.bool, device=query.device)
    mask = ones.tril() & ones.triu(1 - window)
    return scaled_dot_product_attention(
        query, key, value, attn_mask=mask, dropout_p=dropout, scale=scaling
    )


AttentionInterface.register(NAME, attend_each_example)
