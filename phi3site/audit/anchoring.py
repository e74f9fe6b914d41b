"""The end of the log, noted outside the database: without it a cut end leaves no trace.

One line in DATA_DIR, renewed after each verification that holds; copy it to where the database's
owner can't write (`verify_audit` prints it) and hand it back with `--anchor`.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

FILE_NAME = "audit-anchor"


@dataclass(frozen=True)
class Anchor:
    """An event's number and hash, as `SEQ:HASH`."""

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"

    @classmethod
    def parse(cls, text: str) -> "Anchor":
        """Raises ValueError on anything but `SEQ:HASH`."""
        seq, _, digest = text.strip().partition(":")
        if not seq.isdecimal() or len(digest) != 64:
            raise ValueError("an anchor is written NUMBER:HASH, as verify_audit prints it")
        return cls(int(seq), digest)


def read_anchor() -> Anchor | None:
    """The anchor of the last verification that held; None before the first."""
    path = _path()
    return Anchor.parse(path.read_text()) if path.exists() else None


def write_anchor(anchor: Anchor) -> None:
    """Replaces the anchor in one step."""
    half = _path().with_suffix(f".{os.getpid()}")
    half.parent.mkdir(parents=True, exist_ok=True)
    half.write_text(f"{anchor}\n")
    half.replace(_path())


def _path() -> Path:
    return Path(settings.DATA_DIR) / FILE_NAME
