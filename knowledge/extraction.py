"""A file → blocks, in a child process with limits on its CPU time, memory and wall time.

A hostile file can cost any parser minutes and gigabytes; here it costs its own version at most.
Knows no row; the child (extraction_child) knows no Django.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic

from django.conf import settings

from knowledge.blocks import Extracted, from_json
from knowledge.errors import ExtractionFailed
from knowledge.rowfiles import read_table

_POLL_SECONDS = 0.2
_MEMORY_SIGNS = (b"memory allocation", b"MemoryError", b"out of memory", b"bad_alloc")


class ChildEnded(Exception):
    """The child is gone without an answer: why, and what it last said."""

    def __init__(self, code: str, stderr: bytes) -> None:
        super().__init__(code)
        self.code, self.stderr = code, stderr


def extract(
    path: Path,
    media_type: str,
    filename: str,
    *,
    should_stop: Callable[[], bool] = lambda: False,
) -> Extracted:
    """The file's structure. Raises ExtractionFailed with words for people."""
    seconds = settings.KNOWLEDGE_EXTRACTION_SECONDS
    megabytes = settings.KNOWLEDGE_EXTRACTION_MEMORY_MB
    with tempfile.TemporaryDirectory(prefix="extraction-") as folder:
        output = Path(folder) / "blocks.json"
        name = filename.rsplit(".", 1)[0]
        arguments = [
            str(path.resolve()),
            media_type,
            name,
            str(output),
            str(seconds),
            str(megabytes),
            settings.KNOWLEDGE_OCR_LANGUAGES,
        ]
        try:
            run_child("knowledge.extraction_child", arguments, seconds, folder, should_stop)
            answer = json.loads(output.read_bytes())
            # Opened while the folder is there; their files outlive it.
            tables = [read_table(table, Path(folder)) for table in answer.get("tables", ())]
        except ChildEnded as ended:
            raise _failure(ended.code, seconds, megabytes) from ended
        except (OSError, ValueError) as error:
            raise _failure("extraction_crashed", seconds, megabytes) from error
    if "error" in answer:
        code, message = answer["error"]["code"], answer["error"]["message"]
        raise (
            ExtractionFailed(message, code=code) if message else _failure(code, seconds, megabytes)
        )
    return from_json(answer, tables)


def run_child(
    module: str,
    arguments: Sequence[str],
    seconds: float,
    folder: str,
    should_stop: Callable[[], bool] = lambda: False,
) -> None:
    """Runs a module of ours in its own process group; raises ChildEnded unless it exits with 0.

    The group is killed when the time is over, when `should_stop` says so, and in any case at the
    end. The child inherits no environment but what it needs.
    """
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "PYTHONPATH": str(settings.BASE_DIR),
        "HOME": folder,
        "TMPDIR": folder,
        "LANG": "C.UTF-8",
        "RAYON_NUM_THREADS": "1",
        "TOKIO_WORKER_THREADS": "1",
        "OMP_THREAD_LIMIT": "1",
    }
    with Path(folder, "stderr").open("w+b") as stderr:
        child = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            cwd=folder,
            env=environment,
            start_new_session=True,
        )
        try:
            code = _wait(child, seconds, should_stop)
        finally:
            _kill_group(child)
        if code != 0:
            stderr.seek(0)
            said = stderr.read(20_000)
            raise ChildEnded(_reason(code, said), said)


def _wait(
    child: "subprocess.Popen[bytes]", seconds: float, should_stop: Callable[[], bool]
) -> int | str:
    """The child's exit code, or why it must end."""
    deadline = monotonic() + seconds
    while monotonic() < deadline:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return child.wait(_POLL_SECONDS)
        if should_stop():
            return "extraction_stopped"
    return "extraction_time"


def _kill_group(child: "subprocess.Popen[bytes]") -> None:
    """Ends the child and whatever it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _reason(code: int | str, stderr: bytes) -> str:
    if isinstance(code, str):
        return code
    if code in (-signal.SIGXCPU, -signal.SIGKILL):
        return "extraction_time"
    is_memory = any(sign in stderr for sign in _MEMORY_SIGNS)
    return "extraction_memory" if is_memory else "extraction_crashed"


def _failure(code: str, seconds: int, megabytes: int) -> ExtractionFailed:
    messages = {
        "extraction_time": f"Reading the file took more than {seconds} seconds. Split it, or save "
        "it anew from the program it was made with.",
        "extraction_memory": f"Reading the file took more than {megabytes} MB of memory. Split it, "
        "or save it anew from the program it was made with.",
        "extraction_stopped": "Reading the file was stopped.",
        "extraction_crashed": "The file makes the reader crash. Save it anew from the program it "
        "was made with, then upload it again.",
    }
    return ExtractionFailed(messages.get(code, messages["extraction_crashed"]), code=code)
