"""Matrices of an adapter on disk, read and written bit by bit without any model library.

A number is a whole number of its size here, so that nothing is rounded and every format is alike.
"""

import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chat.lora_config import NotServable, rank_and_scale

# Number formats as safetensors spells them: how to move them, and the bits of what is no number.
TYPES = {"F32": ("<u4", 0x7F800000), "F16": ("<u2", 0x7C00), "BF16": ("<u2", 0x7F80)}

Bits = NDArray[Any]


@dataclass(frozen=True)
class Tensor:
    """Where a matrix lies in its file."""

    dtype: str
    shape: tuple[int, int]
    start: int
    end: int


class Source:
    """An adapter's two files, read as they are needed; NotServable unless they are plain LoRA."""

    def __init__(self, folder: Path) -> None:
        self.config = _read_config(folder / "adapter_config.json")
        self.rank, self.scale = rank_and_scale(self.config)
        self._path = folder / "adapter_model.safetensors"
        self.tensors = dict(_read_header(self._path))

    def bits(self, name: str) -> Bits:
        """A matrix as whole numbers of its size; raises NotServable for infinities and the like."""
        tensor = self.tensors[name]
        kind, hole = TYPES[tensor.dtype]
        with self._path.open("rb") as file:
            file.seek(tensor.start)
            found = np.frombuffer(file.read(tensor.end - tensor.start), kind).reshape(tensor.shape)
        if ((found & hole) == hole).any():
            raise NotServable(f"{name} holds numbers that are not finite")
        return found


def as_numbers(bits: Bits, dtype: str) -> NDArray[np.float64]:
    """What the bits mean."""
    if dtype == "BF16":  # the upper half of a 32-bit number
        return (bits.astype("<u4") << 16).view("<f4").astype(np.float64)
    return bits.view("<f4" if dtype == "F32" else "<f2").astype(np.float64)


def write_matrices(
    path: Path, dtype: str, layout: Mapping[str, tuple[int, int]], matrices: Iterator[Bits]
) -> None:
    """A safetensors file of these names and shapes, one matrix in memory at a time."""
    size, at, header = np.dtype(TYPES[dtype][0]).itemsize, 0, dict[str, Any]()
    for name, shape in layout.items():
        end = at + shape[0] * shape[1] * size
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [at, end]}
        at = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for matrix in matrices:
            file.write(matrix.tobytes())


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise NotServable(f"{path.name} is not valid JSON") from error
    if not isinstance(config, dict):
        raise NotServable(f"{path.name} holds no JSON object")
    return config


def _read_header(path: Path) -> Iterator[tuple[str, Tensor]]:
    """Names and places of the matrices; the library checks that the file is what it says."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            names = list(file.keys())
        with path.open("rb") as raw:
            (size,) = struct.unpack("<Q", raw.read(8))
            header = json.loads(raw.read(size))
    except (SafetensorError, ValueError, struct.error) as error:
        raise NotServable(f"{path.name} is damaged or no safetensors file") from error
    for name in names:
        entry = header[name]
        if entry["dtype"] not in TYPES or len(entry["shape"]) != 2:
            raise NotServable(f"{name} is no matrix of F32, F16 or BF16")
        start, end = (8 + size + at for at in entry["data_offsets"])
        yield name, Tensor(entry["dtype"], tuple(entry["shape"]), start, end)
