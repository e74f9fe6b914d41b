"""A zip as a sequence of files to take in: what it claims is checked before any is read.

Knows no collection, and writes nothing to the disk.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from django.conf import settings

from knowledge.archives import check_directory
from knowledge.errors import UploadRefused
from knowledge.importing import Entry

MOST_FILES = 2_000
# All files of a zip together, as a multiple of the largest single upload.
FACTOR = 10
# Every packing program writes these; damage in them is found while they are read.
PACKINGS = (ZIP_STORED, ZIP_DEFLATED)


def most_bytes() -> int:
    """What all files of a zip may hold together."""
    return int(settings.KNOWLEDGE_MAX_UPLOAD_MB * FACTOR * 1024**2)


@contextmanager
def opened(path: Path, name: str) -> Iterator[list[Entry]]:
    """Its files, in their order, for the length of the block.

    Raises UploadRefused for one that can't be opened, or that holds too much.
    """
    try:
        check_directory(path)
        archive = ZipFile(path)
    except (BadZipFile, EOFError, NotImplementedError, ValueError) as error:
        raise _damaged(name) from error
    except UploadRefused as error:
        raise _damaged(name) if error.code == "file_damaged" else _too_much() from error
    with archive:
        yield _entries(archive)


def _entries(archive: ZipFile) -> list[Entry]:
    members = [info for info in archive.infolist() if _is_file(info.filename)]
    if len(members) > MOST_FILES or sum(info.file_size for info in members) > most_bytes():
        raise _too_much()
    return [Entry(_path(info), lambda info=info: _open(archive, info)) for info in members]


def _path(info: ZipInfo) -> str:
    """Only a name: nothing is ever written there."""
    return "/".join(PurePosixPath(info.filename.replace("\\", "/").lstrip("/")).parts)


def _open(archive: ZipFile, info: ZipInfo) -> Any:
    if info.flag_bits & 1 or info.compress_type not in PACKINGS:
        raise UploadRefused(
            "It is encrypted, or packed in a rare way. Pack it again as an ordinary zip.",
            code="archive_damaged",
        )
    return archive.open(info)


def _is_file(name: str) -> bool:
    """No folder, nothing hidden, nothing that the packing program added."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    is_hidden = any(part.startswith(".") or part == "__MACOSX" for part in parts)
    return bool(parts) and not name.endswith("/") and not is_hidden


def _damaged(name: str) -> UploadRefused:
    return UploadRefused(
        f"“{name}” can't be unpacked: it is damaged or of a rare kind. Pack it again as an "
        "ordinary zip.",
        code="archive_damaged",
    )


def _too_much() -> UploadRefused:
    return UploadRefused(
        f"The archive holds more than {MOST_FILES:,} files or {most_bytes() // 1024**2:,} MB. "
        "Split it, or use `manage.py import_folder`.",
        code="archive_too_large",
    )
