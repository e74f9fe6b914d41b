"""Adapters: what the engine may load, checked against what their manifest says.

An adapter is a folder with safetensors and configuration, never a pickle. Its row keeps the hashes
of its files and the fingerprint of the one base model that it fits. Knows no run and no engine.
"""

import io
import zipfile
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from chat.engine import AdapterRef
from chat.errors import AdapterRefused, StateConflict
from chat.fingerprints import ADAPTER_FILES, MANIFEST_NAME, changed_files, read_manifest
from chat.models import Adapter
from knowledge.models import Collection
from phi3site.audit.recording import record

FORBIDDEN_SUFFIXES = frozenset({".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".py"})


@transaction.atomic
def register_adapter(
    folder: Path,
    *,
    name: str,
    base_model: str,
    method: str,
    rank: int,
    target_modules: list[str],
    run_id: UUID | None = None,
    metrics: dict[str, Any] | None = None,
    collections: Iterable[Collection] = (),
    actor: Any = None,
    expected_base: str = "",
) -> Adapter:
    """A new version of the adapter of that name, from a sealed folder inside DATA_DIR.

    The same run registers once. `collections` are those that its examples were made of;
    `expected_base` is the `Fingerprint.base` that it must fit.
    """
    if run_id and (known := Adapter.objects.filter(run_id=run_id).first()):
        return known
    manifest = check_folder(folder, expected_base=expected_base)
    same_name = Adapter.objects.select_for_update().filter(name=name)
    newest = max(same_name.values_list("version", flat=True), default=0)
    adapter = Adapter.objects.create(
        name=name,
        version=newest + 1,
        folder=str(folder.resolve().relative_to(settings.DATA_DIR.resolve())),
        manifest=manifest["files"],
        base_fingerprint=manifest["base"],
        base_model=base_model,
        method=method,
        rank=rank,
        target_modules=target_modules,
        run_id=run_id,
        metrics=metrics or {},
        created_by=actor,
    )
    adapter.collections.set(collections)
    details = {"files": manifest["files"], "base": manifest["base"], "run": run_id}
    record("adapter.registered", actor=actor, target=adapter, details=details)
    return adapter


def check_folder(folder: Path, *, expected_base: str = "") -> dict[str, Any]:
    """The manifest of a sealed folder; raises AdapterRefused with the reason."""
    strange = sorted(p.name for p in folder.iterdir() if p.suffix in FORBIDDEN_SUFFIXES)
    if strange:
        raise AdapterRefused(
            f"The folder holds {', '.join(strange)}. Only safetensors and JSON are taken.",
            code="adapter_pickle",
        )
    try:
        manifest = read_manifest(folder)
    except ValueError as error:
        raise AdapterRefused(f"The manifest can't be read: {error}.") from error
    files, base = manifest.get("files", {}), manifest.get("base", "")
    if not set(ADAPTER_FILES) <= set(files) or not base:
        raise AdapterRefused(f"{MANIFEST_NAME} is missing or incomplete. Train or import it again.")
    if changed := changed_files(folder, manifest):
        raise AdapterRefused(_changed(changed), code="adapter_changed")
    if expected_base and base != expected_base:
        raise AdapterRefused(
            "The adapter was trained for another base model. Train one for the loaded model.",
            code="adapter_base",
        )
    return {"files": files, "base": base}


def adapter_ref(adapter: Adapter) -> AdapterRef:
    """What the engine loads, after its files were found as they were registered."""
    folder = folder_of(adapter)
    try:
        stats = tuple((name, (folder / name).stat().st_mtime_ns) for name in adapter.manifest)
    except OSError as error:
        raise AdapterRefused(_changed([Path(str(error.filename)).name])) from error
    _verify(folder, tuple(sorted(adapter.manifest.items())), stats)
    return AdapterRef(name=str(adapter.pk), folder=folder)


def verify_adapter(adapter: Adapter) -> list[str]:
    """Names of files that are missing or differ from the row's manifest; empty is good."""
    files: dict[str, str] = adapter.manifest
    return changed_files(folder_of(adapter), {"files": files})


def import_facts(adapter: Adapter) -> dict[str, Any]:
    """What the import found and changed; empty for an adapter that was trained here."""
    try:
        manifest = read_manifest(folder_of(adapter))
    except (OSError, ValueError):
        return {}
    return dict(manifest.get("details", {}).get("imported", {}))


def folder_of(adapter: Adapter) -> Path:
    """Where the adapter lies; raises AdapterRefused for a path that leaves the data folder."""
    root = settings.DATA_DIR.resolve()
    folder: Path = (root / adapter.folder).resolve()
    if not folder.is_relative_to(root):
        raise AdapterRefused("The adapter's folder lies outside the data folder.")
    return folder


def export_adapter(adapter: Adapter, *, actor: Any) -> bytes:
    """A zip of exactly the registered files, as peft reads them."""
    if changed := verify_adapter(adapter):
        raise AdapterRefused(_changed(changed), code="adapter_changed")
    folder, buffer = folder_of(adapter), io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in [*sorted(adapter.manifest), MANIFEST_NAME]:
            archive.write(folder / name, arcname=name)
    record("adapter.exported", actor=actor, target=adapter)
    return buffer.getvalue()


@transaction.atomic
def retire_adapter(adapter: Adapter, *, actor: Any) -> None:
    """No new version may name it; raises StateConflict while a live expert version does."""
    adapter = Adapter.objects.select_for_update().get(pk=adapter.pk)
    experts = adapter.expert_versions.filter(expert__live_version__adapter=adapter)
    names = sorted(set(experts.values_list("expert__name", flat=True)))
    if names:
        raise StateConflict(f"{', '.join(names)} answers with it. Promote another version first.")
    adapter.state = Adapter.State.RETIRED
    adapter.save(update_fields=["state"])
    record("adapter.retired", actor=actor, target=adapter)


@lru_cache(maxsize=64)
def _verify(folder: Path, manifest: tuple[tuple[str, str], ...], stats: tuple[Any, ...]) -> None:
    """Hashes once per state of the files on disk; `stats` only makes a change a new question."""
    if changed := changed_files(folder, {"files": dict(manifest)}):
        raise AdapterRefused(_changed(changed), code="adapter_changed")


def _changed(names: list[str]) -> str:
    return f"{', '.join(names)} differs from what was registered. The adapter is not loaded."
