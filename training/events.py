"""What a training process tells: one JSON object per line, appended to a file.

The file outlives both processes, so that nothing told is lost while nobody listens. Imports nothing
of ours.
"""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol


class Emit(Protocol):
    """Tells one thing: `type` says what it is."""

    def __call__(self, **event: Any) -> None:
        """Appends the event."""
        ...


class EventWriter:
    """Appends events of one attempt; each line is written whole."""

    def __init__(self, path: Path, attempt: int) -> None:
        self.attempt = attempt
        self._path, self._lock = path, threading.Lock()
        if path.is_file() and not path.read_bytes().endswith((b"\n",)) and path.stat().st_size:
            # The writer before died in the middle of a line: close it, so that ours stands alone.
            self._append("\n")

    def __call__(self, **event: Any) -> None:
        """Appends the event with the attempt's number."""
        self._append(json.dumps({"attempt": self.attempt, "at": time.time(), **event}) + "\n")

    def _append(self, line: str) -> None:
        with self._lock, self._path.open("a", encoding="utf-8") as file:
            file.write(line)


class EventTail:
    """Reads what was appended since the last look; half lines wait for their other half."""

    def __init__(self, path: Path) -> None:
        self._path, self._offset = path, 0

    def read(self) -> Iterator[dict[str, Any]]:
        """Events in order; lines that a crash cut are passed over."""
        if not self._path.is_file():
            return
        with self._path.open("rb") as file:
            file.seek(self._offset)
            while (line := file.readline()).endswith(b"\n"):
                self._offset += len(line)
                if event := _parse(line):
                    yield event


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None
