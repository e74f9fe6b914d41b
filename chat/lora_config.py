"""What an adapter's configuration may say for the engine to serve it. Knows JSON values only."""

from typing import Any

# Phi-3's fused projections, all of them: a partly matching adapter would load without a word.
TARGETS = ("qkv_proj", "o_proj", "gate_up_proj", "down_proj")
PICKLES = {".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle"}
# Settings under which an adapter is more than `x + B(A(x)) * alpha / r`, with their plain values.
PLAIN = {
    "use_dora": (False, None),
    "lora_bias": (False, None),
    "bias": ("none", None),
    "fan_in_fan_out": (False, None),
    "rank_pattern": ({}, None),
    "alpha_pattern": ({}, None),
    "modules_to_save": ([], None),
    "layers_to_transform": ([], None),
    "trainable_token_indices": ([], {}, None),
    "alora_invocation_tokens": ([], None),
}


class NotServable(Exception):
    """Why an adapter is not served, as half a sentence."""


def rank_and_scale(config: dict[str, Any]) -> tuple[int, float]:
    """Rank, and the factor of B(A(x)); raises NotServable for anything but plain LoRA."""
    if config.get("peft_type") != "LORA":
        raise NotServable(f"it is no LoRA adapter but {config.get('peft_type')}")
    for key, plain in PLAIN.items():
        if config.get(key) not in plain:
            raise NotServable(f"only plain LoRA is served, and it sets {key}")
    rank, alpha = config.get("r"), config.get("lora_alpha")
    if not isinstance(rank, int) or not isinstance(alpha, int | float) or rank < 1:
        raise NotServable("its rank and alpha are not numbers")
    return rank, float(alpha / (rank**0.5 if config.get("use_rslora") else rank))
