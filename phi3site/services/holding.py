"""Who runs the services of a data folder: one holder at a time, others borrow from it.

The kernel drops the locks with their process, so a killed holder never locks anyone out.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from phi3site.bootstrap import SetupError

NOTE_SECONDS = 30.0
# A killed holder needs a moment to die, and others look at the lock by taking it for an instant.
HOLD_SECONDS = 1.5


class AlreadyHeld(SetupError):
    """Another command runs the services of this data folder."""

    def __init__(self, data_dir: Path, note: dict[str, str]) -> None:
        who = f"{note.get('command', 'another command')}, process {note.get('pid', 'unknown')}"
        super().__init__(
            "already_running",
            f"The data folder {data_dir} is in use ({who}). "
            f"Stop that first, or choose another folder with --data-dir.",
        )


class Hold:
    """The exclusive right to run a folder's services, with a note of their addresses."""

    def __init__(self, folder: Path, command: str) -> None:
        self.folder, self.command = folder, command
        self._lock = (folder / "in-use.json").open("a+")
        deadline = time.monotonic() + HOLD_SECONDS
        while not _try_lock(self._lock, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                self._lock.close()
                raise AlreadyHeld(folder, _read_note(folder))
            time.sleep(0.05)
        self.tell({})

    def tell(self, addresses: dict[str, str]) -> None:
        """Writes who holds the folder and under which addresses its services answer."""
        note = {"command": self.command, "pid": str(os.getpid()), **addresses}
        self._lock.truncate(0)
        self._lock.write(json.dumps(note))
        self._lock.flush()

    def await_borrowers(self) -> None:
        """Blocks until no other command uses the services any more."""
        with _borrowers(self.folder) as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)

    def release(self) -> None:
        """Lets the next one hold the folder."""
        self._lock.truncate(0)
        self._lock.close()


@contextmanager
def borrowed(folder: Path, wanted: set[str]) -> Iterator[dict[str, str]]:
    """The addresses of a running holder's services; an empty dict when nobody holds the folder."""
    with _borrowers(folder) as handle:
        fcntl.flock(handle, fcntl.LOCK_SH)
        yield _addresses(folder, wanted)


def _addresses(folder: Path, wanted: set[str]) -> dict[str, str]:
    deadline = time.monotonic() + NOTE_SECONDS
    while _is_held(folder):
        note = _read_note(folder)
        if wanted <= note.keys():
            return {name: note[name] for name in wanted}
        if time.monotonic() > deadline:
            raise AlreadyHeld(folder, note)
        time.sleep(0.05)  # the holder is starting them
    return {}


def _is_held(folder: Path) -> bool:
    try:
        with (folder / "in-use.json").open() as handle:
            return not _try_lock(handle, fcntl.LOCK_SH)
    except FileNotFoundError:
        return False


def _try_lock(handle: TextIO, kind: int) -> bool:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read_note(folder: Path) -> dict[str, str]:
    try:
        note: dict[str, str] = json.loads((folder / "in-use.json").read_text())
    except (OSError, ValueError):
        return {}
    return note


def _borrowers(folder: Path) -> TextIO:
    return (folder / "borrowed.lock").open("a+")
