"""Chooses the next token of every request of a batch by that request's own settings.

The noise of a draw is computed from the request's seed, the position and the token, so the same
question with the same seed gets the same answer in whatever company it is asked. Knows logits and
numbers only; the arguments travel with the batch in rows of the manager's own input tensor.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from transformers import LogitsProcessorList
from transformers.generation.continuous_batching.cb_logits_processors import (
    ContinuousBatchingLogitsProcessorList,
)

# Sampling looks at this many of the best tokens; the rest is far below any sensible top_p.
CANDIDATES = 256
DEFAULTS: dict[str, float | int] = {"temperature": 0.0, "top_p": 1.0, "top_k": 0, "seed": 0}

Route = Callable[[Sequence[Any]], None]


class RequestSampling(ContinuousBatchingLogitsProcessorList):  # type: ignore[misc]
    """Gives every request its temperature, top_p, top_k and seed; the manager takes the argmax.

    `route` is told of each batch just before its forward pass.
    """

    def __init__(self, route: Route) -> None:
        super().__init__(LogitsProcessorList())
        self.route = route
        self.supported_keys = {key: type(value) for key, value in DEFAULTS.items()}
        self.tensors_required = len(DEFAULTS) + 1
        self.do_processing = True
        self.is_greedy = True

    def fill_defaults(self, int32_tensor: torch.Tensor) -> None:
        """Rows are written for every batch, so there is nothing to keep."""
        int32_tensor.zero_()

    def prepare_tensor_args(
        self, requests_in_batch: list[Any], arg_storage: torch.Tensor
    ) -> torch.Tensor:
        """Writes one column per request that gets a token, in the order of the logits."""
        self.route(requests_in_batch)
        states = [request.state for request in requests_in_batch if request.has_new_token]
        kwargs = [{**DEFAULTS, **state.logit_processor_kwargs} for state in states]
        self.is_greedy = not any(each["temperature"] > 0 for each in kwargs)
        rows = [_floats([each[key] for each in kwargs]) for key in ("temperature", "top_p")]
        rows += [_ints([each[key] for each in kwargs]) for key in ("top_k", "seed")]
        rows.append(_ints([state.position_offset for state in states]))
        for storage, row in zip(arg_storage, rows, strict=False):
            storage[: len(row)] = row.to(storage.device)
        return arg_storage

    def __call__(
        self, input_ids: torch.Tensor, scores: torch.Tensor, logits_processor_args: torch.Tensor
    ) -> torch.Tensor:
        """Scores are [requests, vocabulary]; the chosen token of each row becomes the largest."""
        if self.is_greedy:
            return scores
        temperature, top_p = logits_processor_args[:2].contiguous().view(torch.float32)[..., None]
        top_k, seed, position = logits_processor_args[2:5].long()[..., None]
        best, ids = scores.topk(min(CANDIDATES, scores.shape[-1]), dim=-1)
        logits = best / temperature.clamp_min(1e-5)
        probability = logits.softmax(-1)
        ranks = torch.arange(ids.shape[-1], device=ids.device)
        drop = (probability.cumsum(-1) - probability >= top_p) | ((top_k > 0) & (ranks >= top_k))
        drop[:, 0] = False
        noisy = (logits + _gumbel(seed, position, ids)).masked_fill(drop, float("-inf"))
        drawn = ids.gather(-1, noisy.argmax(-1, keepdim=True))
        chosen = torch.where(temperature > 0, drawn, scores.argmax(-1, keepdim=True))
        return scores.scatter(-1, chosen, float("inf"))


def _gumbel(seed: torch.Tensor, position: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    """Adding Gumbel noise and taking the largest is a draw from the softmax (Gumbel-max trick)."""
    x = (seed * 0x9E3779B1 + position * 0x85EBCA77 + ids * 0xC2B2AE3D) & 0xFFFFFFFF
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B), (16, 1)):  # a 32-bit mixer
        x = ((x ^ (x >> shift)) * factor) & 0xFFFFFFFF
    return -torch.log(-torch.log((x.double() + 0.5) / 2**32)).float()


def _floats(values: list[float]) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32).view(torch.int32)


def _ints(values: list[int]) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.int32)
