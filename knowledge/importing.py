"""Many files at once, from a folder or a zip: what is new or changed is taken, once.

A file is known by its path below the folder: the same bytes there are nothing new, other bytes are
the next version. Files are gone through one by one, so that thousands take no more memory than one.
"""

import hashlib
import os
import stat
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from zipfile import BadZipFile

from django.core.files import File

from knowledge.errors import KnowledgeError, UploadRefused
from knowledge.models import Collection, Document, DocumentVersion
from knowledge.uploads import upload_document

# Behind what people upload by hand.
PRIORITY = -1
LONGEST_PATH = 1_000
OUTCOMES = ("added", "changed", "unchanged", "duplicate", "deleted before", "refused")


@dataclass(frozen=True)
class Entry:
    """One file: its path below the root, and how to open it."""

    path: str
    open: Any


@dataclass
class Report:
    """What became of the files."""

    counts: Counter[str] = field(default_factory=Counter)
    # Path and reason of each that was refused.
    refusals: list[tuple[str, str]] = field(default_factory=list)
    # Imported before, but not among the files any more; they stay as they are.
    missing: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """In one line."""
        parts = [f"{self.counts[name]} {name}" for name in OUTCOMES if self.counts[name]]
        missing = [f"{len(self.missing)} no longer there"] if self.missing else []
        return ", ".join([*parts, *missing]) or "no files"


def import_folder(folder: Path, collection: Collection, *, actor: Any) -> Report:
    """Takes every file below the folder; hidden ones and links are left alone."""
    report = Report()
    seen = take_in(entries_of(folder), collection, report, actor=actor)
    known = Document.objects.filter(collection=collection, state=Document.State.ACTIVE)
    paths = known.exclude(source_path="").order_by("source_path").values_list("source_path")
    report.missing = [path for (path,) in paths.iterator() if path not in seen]
    return report


def take_in(
    entries: Iterable[Entry], collection: Collection, report: Report, *, actor: Any
) -> set[str]:
    """Each file by itself: a refused one holds back no other. Returns their paths."""
    seen = set()
    for entry in entries:
        seen.add(entry.path)
        try:
            outcome, _version = take(entry, collection, actor)
        except KnowledgeError as error:
            outcome = "refused"
            report.refusals.append((entry.path, error.message))
        report.counts[outcome] += 1
    return seen


def take(entry: Entry, collection: Collection, actor: Any) -> tuple[str, DocumentVersion]:
    """The outcome for one file, in a word, and the version that holds it now."""
    if len(entry.path) > LONGEST_PATH:
        raise UploadRefused(
            f"Its path is longer than {LONGEST_PATH:,} characters. Shorten it.",
            code="path_too_long",
        )
    with _reading(entry) as stream:
        latest = _latest(collection, entry.path)
        if latest is not None:
            is_active = latest.document.state == Document.State.ACTIVE
            if latest.sha256 == _sha256(stream):
                return "unchanged" if is_active else "deleted before", latest
            latest = latest if is_active else None
        stream.seek(0)
        version = upload_document(
            collection,
            File(stream, PurePosixPath(entry.path).name),
            actor=actor,
            document=latest.document if latest else None,
            priority=PRIORITY,
            source_path=entry.path,
        )
    if version.was_already_there:
        return "duplicate", version
    return "changed" if latest else "added", version


@contextmanager
def _reading(entry: Entry) -> Iterator[Any]:
    """The file's bytes; what can't be read is refused by itself."""
    try:
        opened = entry.open()
    except OSError as error:
        raise UploadRefused(
            "It can't be opened: it is gone, or not yours to read.", code="file_missing"
        ) from error
    try:
        with opened as stream:
            yield stream
    except (BadZipFile, EOFError, zlib.error) as error:
        raise UploadRefused(
            "It is damaged in the archive. Pack it again.", code="archive_damaged"
        ) from error


def _latest(collection: Collection, path: str) -> DocumentVersion | None:
    """The newest version of the document that came from there; a deleted one if there is no other.

    What a person has deleted stays deleted until its file changes.
    """
    versions = DocumentVersion.objects.filter(
        document__collection=collection, document__source_path=path
    )
    newest = versions.select_related("document").order_by("document__state", "-number")
    return newest.first()


def _sha256(stream: Any) -> str:
    return hashlib.file_digest(stream, "sha256").hexdigest()


def entries_of(folder: Path) -> Iterator[Entry]:
    """The regular files below a folder, in the order of their paths."""
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(root, name)
            if name.startswith(".") or not stat.S_ISREG(path.lstat().st_mode):
                continue
            relative = path.relative_to(folder).as_posix()
            yield Entry(
                relative.encode("utf-8", "replace").decode(), lambda path=path: path.open("rb")
            )
