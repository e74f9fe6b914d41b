"""ZIP archives judged by their table of contents alone: nothing is inflated.

Knows no office format.
"""

import stat
import zipfile
from itertools import pairwise
from pathlib import Path

from knowledge.errors import UploadRefused

MAX_ENTRIES = 20_000
MAX_INFLATED = 2 * 1024**3
MAX_DIRECTORY = 16 * 1024**2
# Text shrinks thirtyfold at most; what shrinks more, and is large, is a bomb.
MAX_RATIO = 400
_LARGE = 64 * 1024**2
_END, _END_SIZE, _LONGEST_COMMENT = b"PK\x05\x06", 22, 65_535
_LOCAL_HEADER = 30


def names_in(path: Path) -> set[str]:
    """The names inside. Raises UploadRefused for a damaged, locked or lying archive."""
    check_directory(path)
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, EOFError) as error:
        raise _damaged() from error
    if any(entry.flag_bits & 1 for entry in entries):
        raise UploadRefused(
            "The file is protected by a password. Remove the protection and upload it again.",
            code="file_encrypted",
        )
    if any(stat.S_ISLNK(entry.external_attr >> 16) for entry in entries):
        raise UploadRefused("The file holds links to other files: refused.", code="archive_links")
    names = {entry.filename for entry in entries}
    if len(names) < len(entries) or _is_bomb(entries) or _overlap(entries):
        raise _bomb()
    return names


def check_directory(path: Path) -> None:
    """By the archive's last record, before its table of contents is read into memory."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - _END_SIZE - _LONGEST_COMMENT))
        tail = file.read()
    place = tail.rfind(_END)
    if place < 0 or len(tail) - place < _END_SIZE:
        raise _damaged()
    count = int.from_bytes(tail[place + 10 : place + 12], "little")
    directory = int.from_bytes(tail[place + 12 : place + 16], "little")
    # 65,535 stands for “more than can be written here”, as no document has.
    if count > MAX_ENTRIES or directory > MAX_DIRECTORY:
        raise _bomb()


def _is_bomb(entries: list[zipfile.ZipInfo]) -> bool:
    sizes = [(entry.file_size, entry.compress_size) for entry in entries]
    if any(inflated < 0 or packed < 0 for inflated, packed in sizes):
        return True
    is_dense = any(i > _LARGE and i > MAX_RATIO * max(1, packed) for i, packed in sizes)
    return is_dense or sum(inflated for inflated, _packed in sizes) > MAX_INFLATED


def _overlap(entries: list[zipfile.ZipInfo]) -> bool:
    """Whether entries share bytes: how a small archive holds more than it has."""
    ordered = sorted(entries, key=lambda entry: entry.header_offset)
    return any(
        first.header_offset + _LOCAL_HEADER + first.compress_size > second.header_offset
        for first, second in pairwise(ordered)
    )


def _damaged() -> UploadRefused:
    return UploadRefused(
        "The file is damaged: its table of contents can't be read. Save it again.",
        code="file_damaged",
    )


def _bomb() -> UploadRefused:
    return UploadRefused(
        "The file unpacks to more than any document needs, so it was not opened.",
        code="archive_bomb",
    )
