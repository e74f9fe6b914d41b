"""What a run will need, found out before it starts: layers, tokens, steps, memory, disk.

Reads files and rows only; loads no model. What can't work is refused here, with the field to
change.
"""

import re
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Max, Q, Sum

from chat.bases import context_limit, linear_shapes, read_config, weight_bytes
from training.errors import RecipeRefused
from training.models import Dataset, Example
from training.recipes import Recipe

# Bytes per trainable parameter: weights, gradients and two moments of AdamW, all in fp32 …
STATE_BYTES = 16
# … of which a checkpoint keeps weights and moments; two are kept while a third is written.
CHECKPOINT_BYTES = 12
CHECKPOINTS = 3
# NF4 with double quantisation against the 16 bit on disk (measured: 2.26 of 7.64 GB).
NF4_SHARE = 0.3
# Activations of one layer in multiples of a hidden vector (measured on a CPU: 37), each in fp32.
ACTIVATIONS, ACTIVATION_BYTES = 38, 4
# The libraries themselves.
LIBRARY_BYTES = 700_000_000


@dataclass(frozen=True)
class Preflight:
    """The figures of a run before it starts."""

    layers: int
    trainable_parameters: int
    train_examples: int
    too_long: int
    train_tokens: int
    total_steps: int
    memory_bytes: int
    disk_bytes: int

    def as_dict(self) -> dict[str, Any]:
        """For the run's facts."""
        return asdict(self)


def examine(recipe: Recipe, dataset: Dataset, base: Path) -> Preflight:
    """Raises RecipeRefused when the run could not end in an adapter that can be served."""
    shapes = targeted_shapes(base, recipe)
    trainable = sum(recipe.r * (rows + columns) for rows, columns in shapes)
    examples, too_long, tokens, longest = _examples(recipe, dataset)
    figures = Preflight(
        layers=len(shapes),
        trainable_parameters=trainable,
        train_examples=examples,
        too_long=too_long,
        train_tokens=tokens,
        total_steps=recipe.total_steps(examples),
        memory_bytes=_memory(recipe, base, trainable, longest),
        disk_bytes=trainable * (CHECKPOINT_BYTES * CHECKPOINTS + 8),
    )
    _check_servable(recipe)
    _check_context(recipe, base)
    check_disk(figures.disk_bytes)
    return figures


def targeted_shapes(base: Path, recipe: Recipe) -> list[tuple[int, int]]:
    """Shapes of the layers that get adapter weights; every target must be in every layer."""
    layers = int(read_config(base)["num_hidden_layers"])
    shapes = linear_shapes(base)
    found: list[tuple[int, int]] = []
    for target in recipe.target_modules:
        pattern = re.compile(rf"\.{re.escape(target)}\.weight$")
        matching = [shape for name, shape in shapes.items() if pattern.search(name)]
        if len(matching) != layers:
            raise RecipeRefused(
                f"Only {len(matching)} of {layers} layers of {base.name} have a {target}. "
                "Fine-tuning would leave the rest untouched: choose a Phi-3 base model.",
                field="target_modules",
            )
        found += matching
    return found


def check_disk(needed: int) -> None:
    """Raises RecipeRefused when checkpoints and adapter would not fit."""
    Path(settings.DATA_DIR).mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(settings.DATA_DIR).free
    if free < needed:
        raise RecipeRefused(
            f"The disk has {free / 1e9:.1f} GB free, the run needs {needed / 1e9:.1f} GB. "
            "Free some space or choose a smaller rank.",
            code="disk_full",
        )


def _examples(recipe: Recipe, dataset: Dataset) -> tuple[int, int, int, int]:
    """How many are learned, how many are left out, their tokens, and the longest one's."""
    train = dataset.examples.accepted().filter(split=Example.Split.TRAIN)
    if not train.exists():
        raise RecipeRefused(
            f"No example of {dataset} is accepted to learn from. Review it first.", field="dataset"
        )
    fitting = train.filter(Q(tokens__isnull=True) | Q(tokens__lte=recipe.max_length))
    count = fitting.count()
    if not count:
        raise RecipeRefused(
            "Every train example is longer than max_length: raise it.", field="max_length"
        )
    found = fitting.aggregate(total=Sum("tokens"), longest=Max("tokens"))
    too_long = dataset.examples.accepted().filter(tokens__gt=recipe.max_length).count()
    return count, too_long, found["total"] or 0, found["longest"] or recipe.max_length


def _memory(recipe: Recipe, base: Path, trainable: int, longest: int) -> int:
    """A rough upper bound for one device: weights, adapter state, activations of one batch."""
    config = read_config(base)
    hidden, layers = int(config["hidden_size"]), int(config["num_hidden_layers"])
    # 16 bit on disk; fp32 in the memory of a CPU.
    weights = weight_bytes(base) * (NF4_SHARE if recipe.method == "qlora" else 2.0)
    tokens = recipe.per_device_train_batch_size * longest
    deep = 2 if recipe.gradient_checkpointing else layers
    activations = tokens * hidden * ACTIVATIONS * ACTIVATION_BYTES * deep
    return int(LIBRARY_BYTES + weights + trainable * STATE_BYTES + activations)


def _check_servable(recipe: Recipe) -> None:
    if recipe.r > settings.CHAT_ADAPTER_RANK:
        raise RecipeRefused(
            f"The engine serves adapters up to rank {settings.CHAT_ADAPTER_RANK}. Choose a smaller "
            "rank, or raise CHAT_ADAPTER_RANK.",
            field="r",
        )


def _check_context(recipe: Recipe, base: Path) -> None:
    limit = context_limit(base)
    if limit is not None and recipe.max_length > limit:
        raise RecipeRefused(f"{base.name} reads {limit} tokens at most.", field="max_length")
