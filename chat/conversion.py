"""The import doctor: what a PEFT adapter made elsewhere changes, and how Phi-3 spells the same.

Phi-3 holds q, k and v in one matrix, gate and up in another. An adapter for the separate names
loads on it without a word and leaves most of the model as it was. Here such names are recognised
and fused exactly: A matrices stacked, B matrices on a diagonal, absent parts as zeros. Weights are
moved, never computed with, so nothing is rounded. Knows names and shapes; no model library.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chat.lora_config import TARGETS, NotServable
from chat.matrices import TYPES, Bits, Source, Tensor, as_numbers, write_matrices

# Fused name -> the separate ones, in the order of their rows.
PARTS = {"qkv_proj": ("q_proj", "k_proj", "v_proj"), "gate_up_proj": ("gate_proj", "up_proj")}
FUSED_BY = {part: fused for fused, parts in PARTS.items() for part in parts}
NAME = re.compile(r"base_model\.model\.(.+)\.([a-z_]+)\.lora_([AB])\.weight")


@dataclass(frozen=True)
class Diagnosis:
    """What was found in an adapter, and what has to be done to serve it."""

    rank: int
    scale: float
    # Names as the adapter spells them, and those of the fused layers that it changes.
    found: tuple[str, ...]
    covered: tuple[str, ...]
    # Rank of every layer once all are spelled as Phi-3 does.
    fused_rank: int

    @property
    def is_converted(self) -> bool:
        """Whether its files must be written anew."""
        return set(self.found) != set(TARGETS)

    def as_dict(self) -> dict[str, Any]:
        """For the manifest and the page."""
        untouched = [name for name in TARGETS if name not in self.covered]
        return {
            "found": list(self.found),
            "untouched": untouched,
            "is_converted": self.is_converted,
            "rank": self.rank,
        }


def diagnose(
    source: Source, shapes: Mapping[str, tuple[int, int]], rows: Mapping[str, tuple[int, ...]]
) -> Diagnosis:
    """Raises NotServable for what would change anything else than what it was trained to change.

    `shapes` are (out, in) of the base's fused layers by name, `rows` the rows of their parts.
    """
    rank = source.rank
    if len({tensor.dtype for tensor in source.tensors.values()}) != 1:
        raise NotServable("its weights are in several number formats")
    layers = {name.rpartition(".")[0] for name in shapes}
    by_kind: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for name, tensor in source.tensors.items():
        module, kind, side = _split(name, layers)
        _check_shape(name, tensor, _shape_of(module, kind, shapes, rows), side, rank)
        by_kind[kind].add((module, side))
    covered = {FUSED_BY.get(kind, kind) for kind in by_kind}
    for kind, found in by_kind.items():
        _check_coverage(kind, found, shapes)
        if kind in PARTS and by_kind.keys() & PARTS[kind]:
            raise NotServable(f"it names {kind} and its parts at once")
    widest = max(sum(part in by_kind for part in PARTS.get(fused, ())) or 1 for fused in covered)
    return Diagnosis(
        rank=rank,
        scale=source.scale,
        found=tuple(sorted(by_kind)),
        covered=tuple(name for name in TARGETS if name in covered),
        fused_rank=rank * widest,
    )


def convert(
    source: Source,
    diagnosis: Diagnosis,
    shapes: Mapping[str, tuple[int, int]],
    rows: Mapping[str, tuple[int, ...]],
    output: Path,
) -> float:
    """Writes the same change under Phi-3's names; returns the largest difference that it makes.

    The difference is measured on a random input of every layer, as a share of its largest output.
    """
    config = _plain_config(source.config, diagnosis)
    text = json.dumps(config, indent=2, sort_keys=True) + "\n"
    (output / "adapter_config.json").write_text(text, encoding="utf-8")
    dtype = next(iter(source.tensors.values())).dtype
    differences = [0.0]

    def matrices() -> Iterator[Bits]:
        for name in sorted(shapes):
            a, b = _fuse(source, name, shapes[name], rows, diagnosis.fused_rank)
            differences.append(_difference(source, name, (a, b), dtype, rows))
            yield from (a, b)

    path = output / "adapter_model.safetensors"
    write_matrices(path, dtype, _layout(shapes, diagnosis.fused_rank), matrices())
    return max(differences)


def part_rows(config: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Rows of the parts of each fused layer, from the base model's config."""
    heads = int(config["num_attention_heads"])
    width = int(config.get("head_dim") or config["hidden_size"] // heads)
    shared = int(config.get("num_key_value_heads") or heads) * width
    between = int(config["intermediate_size"])
    return {"qkv_proj": (heads * width, shared, shared), "gate_up_proj": (between, between)}


def _split(name: str, layers: set[str]) -> tuple[str, str, str]:
    match = NAME.fullmatch(name)
    if not match or match[1] not in layers:
        raise NotServable(f"it changes what the base model hasn't got, such as {name}")
    return match[1], match[2], match[3]


def _shape_of(
    module: str,
    kind: str,
    shapes: Mapping[str, tuple[int, int]],
    rows: Mapping[str, tuple[int, ...]],
) -> tuple[int, int]:
    fused = FUSED_BY.get(kind, kind)
    if f"{module}.{fused}" not in shapes:
        raise NotServable(f"it changes what the base model hasn't got, such as {module}.{kind}")
    out, wide = shapes[f"{module}.{fused}"]
    return (rows[fused][PARTS[fused].index(kind)] if kind != fused else out), wide


def _check_shape(name: str, tensor: Tensor, shape: tuple[int, int], side: str, rank: int) -> None:
    wanted = (rank, shape[1]) if side == "A" else (shape[0], rank)
    if tensor.shape != wanted:
        raise NotServable(
            f"{name} is {tensor.shape[0]} by {tensor.shape[1]}, where this base model and its rank "
            f"need {wanted[0]} by {wanted[1]}: it was made for another model"
        )


def _check_coverage(
    kind: str, found: set[tuple[str, str]], shapes: Mapping[str, tuple[int, int]]
) -> None:
    fused = FUSED_BY.get(kind, kind)
    modules = {name.rpartition(".")[0] for name in shapes if name.endswith(f".{fused}")}
    missing = sorted({(module, side) for module in modules for side in "AB"} - found)
    if missing:
        module, side = missing[0]
        raise NotServable(f"layers are missing, such as {module}.{kind}.lora_{side}")


def _fuse(
    source: Source,
    name: str,
    shape: tuple[int, int],
    rows: Mapping[str, tuple[int, ...]],
    rank: int,
) -> tuple[Bits, Bits]:
    kind = TYPES[next(iter(source.tensors.values())).dtype][0]
    a, b = np.zeros((rank, shape[1]), kind), np.zeros((shape[0], rank), kind)
    column = 0
    for part, start, end in _parts(source, name, shape[0], rows):
        below, above = (source.bits(f"base_model.model.{part}.lora_{x}.weight") for x in "AB")
        a[column : column + len(below)] = below
        b[start:end, column : column + len(below)] = above
        column += len(below)
    return a, b


def _parts(
    source: Source, name: str, out: int, rows: Mapping[str, tuple[int, ...]]
) -> Iterator[tuple[str, int, int]]:
    """Names of what the adapter has for a fused layer, with the rows that they change."""
    module, _, fused = name.rpartition(".")
    if f"base_model.model.{name}.lora_A.weight" in source.tensors:
        yield name, 0, out
    start = 0
    for part, count in zip(PARTS.get(fused, ()), rows.get(fused, ()), strict=True):
        if f"base_model.model.{module}.{part}.lora_A.weight" in source.tensors:
            yield f"{module}.{part}", start, start + count
        start += count


def _difference(
    source: Source,
    name: str,
    fused: tuple[Bits, Bits],
    dtype: str,
    rows: Mapping[str, tuple[int, ...]],
) -> float:
    a, b = (as_numbers(matrix, dtype) for matrix in fused)
    probe = np.random.default_rng(0).standard_normal(a.shape[1])
    expected = np.zeros(len(b))
    for part, start, end in _parts(source, name, len(b), rows):
        below, above = (
            as_numbers(source.bits(f"base_model.model.{part}.lora_{x}.weight"), dtype) for x in "AB"
        )
        expected[start:end] += above @ (below @ probe)
    largest = np.abs(expected).max() or 1.0
    return float(np.abs(b @ (a @ probe) - expected).max() / largest)


def _plain_config(config: Mapping[str, Any], diagnosis: Diagnosis) -> dict[str, Any]:
    rank = diagnosis.fused_rank
    return {
        "base_model_name_or_path": str(config.get("base_model_name_or_path") or ""),
        "bias": "none",
        "inference_mode": True,
        "lora_alpha": diagnosis.scale * rank,
        "lora_dropout": 0.0,
        "peft_type": "LORA",
        "r": rank,
        "target_modules": sorted(TARGETS),
        "task_type": "CAUSAL_LM",
    }


def _layout(shapes: Mapping[str, tuple[int, int]], rank: int) -> dict[str, tuple[int, int]]:
    layout: dict[str, tuple[int, int]] = {}
    for name in sorted(shapes):
        out, wide = shapes[name]
        layout[f"base_model.model.{name}.lora_A.weight"] = (rank, wide)
        layout[f"base_model.model.{name}.lora_B.weight"] = (out, rank)
    return layout
