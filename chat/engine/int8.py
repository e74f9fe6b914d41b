"""Linear layers in 8 bits for CPUs: weights per output channel, activations per token.

Products of whole numbers are exact, so a token's result never depends on the company it is computed
in, and a fourth of the bytes comes through memory. Where rounding the activations to 8 bits would
cost most, what it left is rounded and multiplied too. Processors with VNNI do it in one pass; all
others get the same numbers from a slower product. Knows matrices only.
"""

import torch

LEVELS = 127
# A row of zeros has no scale of its own.
SMALLEST = 1e-12
# Loss of the demo model: 3.130 in fp32, 3.178 with all rounded once, 3.140 with these twice.
ROUNDED_TWICE = ("qkv_proj", "down_proj", "lm_head")
REST = 254
# Levels are stored without a sign.
MIDDLE = 128


class Int8Linear(torch.nn.Module):  # type: ignore[misc]
    """Stands in for a Linear without bias; weights are [out, in] as there."""

    weight: torch.Tensor
    scale: torch.Tensor

    def __init__(self, linear: torch.nn.Linear, *, is_rounded_twice: bool = False) -> None:
        super().__init__()
        self.is_rounded_twice = is_rounded_twice
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.compute_dtype = linear.weight.dtype
        weight = linear.weight.detach().float()
        scale = _largest(weight).div_(LEVELS)
        self.register_buffer("weight", (weight / scale).round_().to(torch.int8), persistent=False)
        self.register_buffer("scale", scale[:, 0], persistent=False)
        self._packed = None
        if _has_fast_products():
            self._packed = _pack(self.weight, self.scale)
            self.weight = self.weight[:0]  # the packed copy is enough

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Takes [..., in] and gives [..., out] in the type of `x`."""
        rows = x.reshape(-1, self.in_features).float()
        scale = _largest(rows).div_(LEVELS)
        levels = rows / scale
        out = self._multiply(levels)
        if self.is_rounded_twice:
            rest = levels.sub_(levels.round()).mul_(REST)
            out = out.add_(self._multiply(rest), alpha=1 / REST)
        return out.mul_(scale).to(x.dtype).view(*x.shape[:-1], self.out_features)

    def _multiply(self, levels: torch.Tensor) -> torch.Tensor:
        """The product with rows of levels, which are rounded to whole ones."""
        if self._packed is not None:
            return _multiply_packed(levels, 1.0, MIDDLE, self._packed)
        whole = levels.round().to(torch.int8)
        return torch._int_mm(whole, self.weight.t()).float().mul_(self.scale)


def _largest(rows: torch.Tensor) -> torch.Tensor:
    """The largest size in each row, [rows, 1]; `vector_norm` takes five times as long."""
    return rows.abs().amax(-1, keepdim=True).clamp_min_(SMALLEST)


# Rounds, multiplies and scales in one pass; older processors would overflow in 16 bits.
_multiply_packed = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32


def _has_fast_products() -> bool:
    return "fbgemm" in torch.backends.quantized.supported_engines and torch.cpu._is_vnni_supported()


def _pack(weight: torch.Tensor, scale: torch.Tensor) -> torch.ScriptObject:
    torch.backends.quantized.engine = "fbgemm"
    zeros = torch.zeros(len(scale), dtype=torch.int64)
    whole = torch._make_per_channel_quantized_tensor(weight, scale.double(), zeros, 0)
    return torch.ops.quantized.linear_prepack(whole, None)


def quantise_linears(model: torch.nn.Module) -> None:
    """Replaces every Linear of a model, in place; the embedding stays as it is."""
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, torch.nn.Linear):
                twice = name in ROUNDED_TWICE
                setattr(module, name, Int8Linear(child, is_rounded_twice=twice))
