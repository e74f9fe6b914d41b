"""Only complete checkpoints exist: made beside, flushed to disk, listed with hashes, then renamed.

Knows files only, no model library. What the manifest does not vouch for is never read again: a
checkpoint holds pickled optimizer state, and half a file must not end a run.
"""

import json
import os
import shutil
from pathlib import Path

from chat.fingerprints import hash_files

MANIFEST = "manifest.json"
PREFIX = "step-"
# The newest one may be the one that a fault damaged: keep the one before as well.
KEPT = 2


def seal_checkpoint(made: Path, checkpoints: Path, step: int) -> list[int]:
    """Moves a finished folder into place as `step-N`; returns the steps that are kept."""
    # Never read back, so never kept: arguments as a pickle, and a model card.
    for name in ("training_args.bin", "README.md"):
        (made / name).unlink(missing_ok=True)
    files = sorted(path for path in made.iterdir() if path.is_file())
    manifest = {"step": step, "files": hash_files(files)}
    (made / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    for path in (*files, made / MANIFEST, made):
        _flush(path)
    checkpoints.mkdir(parents=True, exist_ok=True)
    place = checkpoints / f"{PREFIX}{step}"
    shutil.rmtree(place, ignore_errors=True)
    made.rename(place)
    _flush(checkpoints)
    return prune_checkpoints(checkpoints)


def prune_checkpoints(checkpoints: Path) -> list[int]:
    """Removes all but the newest; returns the steps that are kept, oldest first."""
    steps = checkpoint_steps(checkpoints)
    for step in steps[:-KEPT]:
        shutil.rmtree(checkpoints / f"{PREFIX}{step}")
    return steps[-KEPT:]


def newest_checkpoint(checkpoints: Path) -> Path | None:
    """The newest checkpoint whose files are all there and unchanged."""
    for step in reversed(checkpoint_steps(checkpoints)):
        folder = checkpoints / f"{PREFIX}{step}"
        if is_complete(folder):
            return folder
    return None


def checkpoint_steps(checkpoints: Path) -> list[int]:
    """Steps that have a folder, complete or not, in order."""
    names = [path.name.removeprefix(PREFIX) for path in checkpoints.glob(f"{PREFIX}*")]
    return sorted(int(name) for name in names if name.isdecimal())


def step_of(checkpoint: Path) -> int:
    """The step after which it was taken."""
    return int(checkpoint.name.removeprefix(PREFIX))


def is_complete(folder: Path) -> bool:
    """Whether the folder holds exactly what its manifest lists, byte for byte."""
    try:
        listed = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    paths = [path for path in folder.iterdir() if path.is_file() and path.name != MANIFEST]
    return bool(paths) and hash_files(paths) == listed


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
