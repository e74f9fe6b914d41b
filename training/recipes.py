"""Every hyperparameter of a run, with a sentence and a check, spelled as peft and transformers do.

Knows neither Django nor any model library; the form and the API are generated from the fields.
"""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, get_args, get_type_hints

from training.errors import RecipeRefused

# Phi-3's own linear layers. Names of other families match only some of them, without any warning.
FUSED = ("qkv_proj", "o_proj", "gate_up_proj", "down_proj")
METHODS = ("lora", "qlora")
SCHEDULES = ("cosine", "linear", "constant")
DTYPES = ("auto", "bfloat16", "float32")

# What each field is called on pages; the spelling of peft and transformers stands beside it.
LABELS = {
    "method": "Method",
    "r": "Rank (r)",
    "lora_alpha": "Strength (lora_alpha)",
    "lora_dropout": "Dropout",
    "use_rslora": "Strength by the root of the rank (rsLoRA)",
    "target_modules": "Layers",
    "learning_rate": "Learning rate",
    "lr_scheduler_type": "Course of the learning rate",
    "warmup_ratio": "Warm-up",
    "num_train_epochs": "Epochs",
    "max_steps": "Steps (max_steps)",
    "per_device_train_batch_size": "Examples at a time",
    "gradient_accumulation_steps": "Batches per step",
    "max_length": "Longest example (max_length)",
    "packing": "Examples end to end (packing)",
    "weight_decay": "Weight decay",
    "max_grad_norm": "Longest gradient",
    "neftune_noise_alpha": "Noise (NEFTune)",
    "early_stopping_patience": "Patience (early stopping)",
    "gradient_checkpointing": "Save memory by computing twice",
    "save_steps": "Steps between checkpoints",
    "eval_steps": "Steps between measurements",
    "dtype": "Number format",
    "seed": "Seed",
}
METHOD_NAMES = {"lora": "LoRA", "qlora": "QLoRA"}


def knob(
    default: Any,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
) -> Any:
    """A field of the recipe: its default, its sentence, and what it may hold."""
    metadata = {"help": help, "low": low, "high": high, "choices": choices}
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Recipe:
    """How to fine-tune; frozen once a run uses it. Raises RecipeRefused if a value is off."""

    method: str = knob(
        "lora",
        "LoRA leaves the base model as it is; QLoRA keeps it in 4 bit (NF4), for less memory.",
        choices=METHODS,
    )
    r: int = knob(16, "Rank: how much an adapter can learn, and how large it is.", low=1, high=256)
    lora_alpha: int = knob(32, "Strength of the adapter; usually twice the rank.", low=1, high=1024)
    lora_dropout: float = knob(
        0.0, "Share of adapter inputs dropped while learning, against overfitting.", low=0, high=0.5
    )
    use_rslora: bool = knob(
        False,
        "Divides the strength by the root of the rank: large ranks learn as briskly as small.",
    )
    target_modules: tuple[str, ...] = knob(
        FUSED, "Layers that get adapter weights; Phi-3 has exactly these four.", choices=FUSED
    )
    learning_rate: float = knob(
        2e-4, "Size of a step. Too large diverges, too small learns nothing.", low=1e-7, high=1.0
    )
    lr_scheduler_type: str = knob(
        "cosine", "How the learning rate falls after the warm-up.", choices=SCHEDULES
    )
    warmup_ratio: float = knob(
        0.05, "Share of all steps in which the learning rate rises from zero.", low=0, high=0.5
    )
    num_train_epochs: float = knob(
        3.0, "How often each example is seen, unless a number of steps is given.", low=0.1, high=100
    )
    max_steps: int = knob(
        -1, "Optimizer steps in all; -1 follows the number of epochs.", low=-1, high=1_000_000
    )
    per_device_train_batch_size: int = knob(
        8, "Examples in memory at a time; halved by itself when memory runs out.", low=1, high=512
    )
    gradient_accumulation_steps: int = knob(
        1, "Batches per optimizer step: multiplies the effective batch.", low=1, high=512
    )
    max_length: int = knob(
        1024, "Longest example in tokens; longer ones are left out, and named.", low=16, high=131072
    )
    packing: bool = knob(
        True,
        "Lays the examples of a batch end to end, kept apart, instead of padding them: faster.",
    )
    weight_decay: float = knob(0.0, "Pull of the adapter weights towards zero.", low=0, high=1)
    max_grad_norm: float = knob(1.0, "Longest gradient; longer ones are cut.", low=0.01, high=100)
    neftune_noise_alpha: float = knob(
        0.0,
        "Noise on the words' vectors while learning, against parroting; 5 is usual, 0 is none. "
        "Turns packing off.",
        low=0,
        high=50,
    )
    early_stopping_patience: int = knob(
        0,
        "Measurements without a better eval loss after which the run ends with the best weights; "
        "0 goes through all steps.",
        low=0,
        high=100,
    )
    gradient_checkpointing: bool = knob(
        False, "Computes activations twice: about a third slower, far less memory."
    )
    save_steps: int = knob(
        20, "Steps between checkpoints: what a crash can cost at most.", low=1, high=100_000
    )
    eval_steps: int = knob(20, "Steps between measurements on the eval split.", low=1, high=100_000)
    dtype: str = knob(
        "auto", "Number format; auto takes bfloat16 on a GPU, float32 on a CPU.", choices=DTYPES
    )
    seed: int = knob(42, "Same seed, same data, same run.", low=0, high=2**31 - 1)

    def __post_init__(self) -> None:
        """Checks each field by its metadata, then what belongs together."""
        for field in dataclasses.fields(self):
            _check(field, getattr(self, field.name))
        if self.max_steps == 0:
            raise RecipeRefused("Give at least one step, or -1 for epochs.", field="max_steps")

    @property
    def effective_batch(self) -> int:
        """Examples per optimizer step on one device."""
        return self.per_device_train_batch_size * self.gradient_accumulation_steps

    def total_steps(self, examples: int) -> int:
        """Optimizer steps for that many train examples."""
        if self.max_steps > 0:
            return self.max_steps
        return max(1, math.ceil(self.num_train_epochs * math.ceil(examples / self.effective_batch)))

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**dataclasses.asdict(self), "target_modules": list(self.target_modules)}


def read_recipe(values: dict[str, Any]) -> Recipe:
    """A checked recipe from JSON; raises RecipeRefused for unknown keys and wrong types."""
    known = {field.name for field in dataclasses.fields(Recipe)}
    for name in values.keys() - known:
        raise RecipeRefused(f"A recipe has no field '{name}'.", field=name)
    return Recipe(**{name: _plain(name, value) for name, value in values.items()})


def presets(*, is_demo: bool, context: int | None = None) -> dict[str, Recipe]:
    """The three starting points, none with longer examples than a context of that many tokens.

    The small demo model learns with ten times the step size.
    """
    offered = _demo_presets() if is_demo else _phi3_presets()
    if context is None:
        return offered
    return {
        name: dataclasses.replace(recipe, max_length=min(recipe.max_length, context))
        for name, recipe in offered.items()
    }


def _demo_presets() -> dict[str, Recipe]:
    # Four at a time end to end: half as fast again as one at a time, in 3 GB.
    base = Recipe(
        learning_rate=2e-3,
        per_device_train_batch_size=4,
        gradient_accumulation_steps=2,
        save_steps=25,
        eval_steps=25,
    )
    return {
        "quick": dataclasses.replace(base, max_steps=30, save_steps=10, eval_steps=10),
        "standard": dataclasses.replace(base, max_steps=100),
        "thorough": dataclasses.replace(base, max_steps=250, r=32, lora_alpha=64),
    }


def _phi3_presets() -> dict[str, Recipe]:
    base = Recipe(gradient_accumulation_steps=2, save_steps=50, eval_steps=50, max_length=2048)
    return {
        "quick": dataclasses.replace(base, num_train_epochs=1.0),
        "standard": base,
        "thorough": dataclasses.replace(
            base, num_train_epochs=5.0, r=32, lora_alpha=64, gradient_checkpointing=True
        ),
    }


def _plain(name: str, value: Any) -> Any:
    if name == "target_modules" and isinstance(value, list | tuple):
        return tuple(value)
    if _kind(name) is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


def _kind(name: str) -> type:
    kind = get_type_hints(Recipe)[name]
    return tuple if get_args(kind) else kind


def _check(field: "dataclasses.Field[Any]", value: Any) -> None:
    kind: Any
    kind, limits = _kind(field.name), field.metadata
    if type(value) is not kind:
        raise RecipeRefused(f"{field.name} must be of type {kind.__name__}.", field=field.name)
    if kind is tuple:
        _check_targets(field.name, value)
    elif limits["choices"] and value not in limits["choices"]:
        allowed = ", ".join(limits["choices"])
        raise RecipeRefused(f"{field.name} must be one of {allowed}.", field=field.name)
    if limits["low"] is not None and not limits["low"] <= value <= limits["high"]:
        span = f"{limits['low']:g} to {limits['high']:g}"
        raise RecipeRefused(f"{field.name} must be within {span}.", field=field.name)


def _check_targets(name: str, value: tuple[Any, ...]) -> None:
    unknown = [item for item in value if item not in FUSED]
    if unknown or not value or len(set(value)) != len(value):
        raise RecipeRefused(
            f"{name} must name some of {', '.join(FUSED)}. Phi-3 has these layers in one piece: "
            "names such as q_proj would silently leave most of the model untrained.",
            field=name,
        )
