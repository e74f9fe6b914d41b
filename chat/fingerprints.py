"""Says which base model and which adapter answered, as hashes of what lies on disk.

A model's fingerprint covers its weights, tokenizer and chat template; an adapter carries a
manifest with the hashes of its files and the fingerprint of the base that it was trained for.
Knows files and JSON only: no model library, no database.
"""

import hashlib
import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypedDict

from chat.engine import Fingerprint

MANIFEST_NAME = "adapter_manifest.json"
ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")
DEMO_MARK = "demo.json"

# Keys that a library writes about itself or about where the files lay: no part of the model.
VOLATILE_KEYS = {
    "transformers_version",
    "_name_or_path",
    "name_or_path",
    "torch_dtype",
    "dtype",
    "is_local",
    "local_files_only",
}
TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "added_tokens.json")


class AdapterManifest(TypedDict, total=False):
    """What an adapter folder says about itself; `files` maps names to SHA-256."""

    base: str
    files: dict[str, str]
    details: dict[str, Any]


def fingerprint_model(
    folder: Path,
    *,
    base_model: str = "",
    engine: str = "",
    versions: dict[str, str] | None = None,
) -> Fingerprint:
    """Reads every byte of the model folder once; raises FileNotFoundError without weights."""
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise FileNotFoundError(f"{folder} holds no *.safetensors weights")
    config = _read_json(folder / "config.json")
    tokenizer_config = _read_json(folder / "tokenizer_config.json")
    template = _template(folder, tokenizer_config)
    tokenizer_config.pop("chat_template", None)
    tokenizers = [folder / name for name in TOKENIZER_FILES if (folder / name).is_file()]
    return Fingerprint(
        base_model=base_model or folder.name,
        weights=_hash_of({"config": _settled(config), "files": hash_files(weights)}),
        tokenizer=_hash_of({"config": _settled(tokenizer_config), "files": hash_files(tokenizers)}),
        template=hashlib.sha256(template.encode()).hexdigest(),
        engine=engine,
        versions=versions or {},
        is_demo=bool(_read_json(folder / DEMO_MARK).get("is_demo")),
    )


def fingerprint_adapter(folder: Path) -> str:
    """One hash for what an adapter does: its weights and its configuration."""
    return _hash_of(hash_files(folder / name for name in ADAPTER_FILES))


def write_manifest(folder: Path, *, base: str, details: dict[str, Any] | None = None) -> None:
    """Seals an adapter folder; `base` is the `Fingerprint.base` of the model it belongs to."""
    manifest = AdapterManifest(
        base=base,
        files=hash_files(folder / name for name in ADAPTER_FILES),
        details=details or {},
    )
    text = json.dumps(manifest, indent=2, sort_keys=True) + "\n"
    (folder / MANIFEST_NAME).write_text(text, encoding="utf-8")


def read_manifest(folder: Path) -> AdapterManifest:
    """The adapter's manifest, empty when it has none; raises ValueError when it is not readable."""
    manifest = _read_json(folder / MANIFEST_NAME)
    base, files = manifest.get("base", ""), manifest.get("files", {})
    if not isinstance(base, str) or not isinstance(files, dict):
        raise ValueError(f"{MANIFEST_NAME} needs a text under 'base' and an object under 'files'")
    return AdapterManifest(base=base, files=files, details=manifest.get("details", {}))


def changed_files(folder: Path, manifest: AdapterManifest) -> list[str]:
    """Names of files that the manifest lists and that are missing or not as it says."""
    listed = manifest.get("files", {})
    escaping = [name for name in listed if Path(name).name != name]
    present = [folder / name for name in listed if (folder / name).is_file()]
    found = {} if escaping else hash_files(present)
    return escaping or sorted(name for name, digest in listed.items() if found.get(name) != digest)


def hash_files(paths: Iterable[Path]) -> dict[str, str]:
    """SHA-256 by file name, several files at a time."""
    paths = list(paths)
    with ThreadPoolExecutor(max_workers=4) as pool:
        return dict(zip((p.name for p in paths), pool.map(_hash_file, paths), strict=True))


def _hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _hash_of(value: object) -> str:
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _settled(config: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in config.items() if key not in VOLATILE_KEYS}


def _template(folder: Path, tokenizer_config: dict[str, Any]) -> str:
    path = folder / "chat_template.jinja"
    if path.is_file():
        return path.read_text(encoding="utf-8")
    return json.dumps(tokenizer_config.get("chat_template") or "", sort_keys=True)


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    value = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(value, dict):
        raise ValueError(f"{path.name} holds no JSON object")
    return value
