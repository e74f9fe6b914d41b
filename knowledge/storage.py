"""Bytes on disk: stored under a generated name, hashed while they stream in, found again safely.

Knows no document: a name in, a path out.
"""

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import time
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.files import File

from knowledge.errors import KnowledgeError, StorageFull, UploadRefused

FOLDER = "documents"
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}


@dataclass(frozen=True)
class StoredFile:
    """What was written: the name below MEDIA_ROOT, where that is, and what it holds."""

    name: str
    path: Path
    size: int
    sha256: str


@contextmanager
def stored(file: "File[Any]", *, file_id: UUID, max_bytes: int) -> Iterator[StoredFile]:
    """Writes the file for the length of the block, and keeps it unless the block raises.

    Raises UploadRefused for an empty or too large file and StorageFull for a full disk.
    """
    name = f"{FOLDER}/{file_id.hex[:2]}/{file_id.hex}"
    path = Path(settings.MEDIA_ROOT) / name
    try:
        with no_room_is_said():
            path.parent.mkdir(parents=True, exist_ok=True)
            size, digest = _write(file, path, max_bytes)
        if not size:
            raise UploadRefused(f"“{file.name}” is empty.", code="file_empty")
        yield StoredFile(name, path, size, digest)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _write(file: "File[Any]", path: Path, max_bytes: int) -> tuple[int, str]:
    """Copies to a new file, down to the disk; size and sha256."""
    digest, size = hashlib.sha256(), 0
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(path, flags, 0o600), "wb") as target:
        for chunk in file.chunks():
            data = chunk.encode() if isinstance(chunk, str) else chunk
            size += len(data)
            if size > max_bytes:
                raise UploadRefused(
                    f"“{file.name}” is larger than {max_bytes // 1024**2} MB. Split it, or ask "
                    "who runs this site to raise KNOWLEDGE_MAX_UPLOAD_MB.",
                    code="upload_too_large",
                )
            digest.update(data)
            target.write(data)
        target.flush()
        os.fsync(target.fileno())
    return size, digest.hexdigest()


@contextmanager
def no_room_is_said() -> Iterator[None]:
    """Turns a full disk into words."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise StorageFull(
            "The storage is full, so nothing was saved. Free some space, then try again."
        ) from error


def path_of(name: str | None) -> Path:
    """Where a stored file lies. Raises KnowledgeError when it is gone or not one of ours."""
    root = Path(settings.MEDIA_ROOT).resolve()
    path = root / (name or "")
    is_ours = path.resolve() == path and path.is_relative_to(root / FOLDER)
    if not is_ours or not path.is_file():
        raise KnowledgeError(
            "The stored file is missing. Upload the document again.", code="file_missing"
        )
    return path


def remove_strays(known: set[str], *, older_than: float = 3600) -> int:
    """Deletes stored files that no row names: an upload was killed between file and row."""
    root, removed = Path(settings.MEDIA_ROOT), 0
    for path in (root / FOLDER).glob("*/*"):
        is_old = path.stat().st_mtime < time() - older_than
        if is_old and path.relative_to(root).as_posix() not in known:
            path.unlink(missing_ok=True)
            removed += 1
    return removed
