"""Where the base model lies and what its files say about it, read without any model library."""

import json
import struct
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings

from chat.errors import BaseMissing
from chat.fingerprints import DEMO_MARK, fingerprint_model


def find_base() -> Path:
    """The folder of the configured base model; raises BaseMissing when it is not on this machine.

    A hub id is looked up in the local cache only: nothing is downloaded here.
    """
    folder = Path(settings.BASE_MODEL)
    if not folder.is_dir() and not folder.is_absolute():
        folder = _cached(settings.BASE_MODEL)
    if not (folder / "config.json").is_file():
        raise BaseMissing(
            f"The base model {folder.name} is not on this machine. Set BASE_MODEL to a folder with "
            "a Phi-3 model, or start the engine once so that it fetches it."
        )
    return folder


def is_demo(folder: Path) -> bool:
    """Whether it is the small model that stands in for Phi-3."""
    return (folder / DEMO_MARK).is_file()


def base_fingerprint(folder: Path) -> str:
    """`Fingerprint.base` of the model; reads all its bytes once per change on disk."""
    newest = max((path.stat().st_mtime_ns for path in folder.iterdir()), default=0)
    return _fingerprint(folder, newest)


def linear_shapes(folder: Path) -> dict[str, tuple[int, int]]:
    """Shapes (out, in) of all weight matrices by tensor name, from the safetensors headers."""
    shapes: dict[str, tuple[int, int]] = {}
    for path in sorted(folder.glob("*.safetensors")):
        for name, entry in _header(path).items():
            shape = entry.get("shape", [])
            if name.endswith(".weight") and len(shape) == 2:
                shapes[name] = (shape[0], shape[1])
    return shapes


def weight_bytes(folder: Path) -> int:
    """Bytes of all weights on disk."""
    return sum(path.stat().st_size for path in folder.glob("*.safetensors"))


def read_config(folder: Path) -> dict[str, Any]:
    """The model's config.json."""
    config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return config


def context_limit(folder: Path) -> int | None:
    """The most tokens that the model reads; None where its config doesn't say."""
    limit = read_config(folder).get("max_position_embeddings")
    return None if limit is None else int(limit)


@lru_cache(maxsize=2)
def _fingerprint(folder: Path, newest: int) -> str:
    return fingerprint_model(folder).base


def _cached(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError
    from huggingface_hub.utils import HFValidationError

    try:
        model, _, revision = name.partition("@")
        return Path(snapshot_download(model, revision=revision or None, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        return Path(name)


def _header(path: Path) -> dict[str, dict[str, Any]]:
    with path.open("rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
    header.pop("__metadata__", None)
    return dict(header)
