"""Processes that never outlive whoever started them, not even after a SIGKILL.

Three nets, each for what the one before lets through: the kernel signals a child when its parent
dies; everything a child starts carries a mark in its environment, by which leftovers are found;
a guard process ends the marked ones when their supervisor is gone. Standard library alone; knows
nothing of what the processes do.
"""

import ctypes
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

MARK = "PHI3SITE_MARK"
PR_SET_PDEATHSIG = 1
LARGEST_LOG = 20 * 1024**2
ROOT = Path(__file__).resolve().parent.parent

_libc = ctypes.CDLL(None)


def die_with_parent(number: signal.Signals) -> Callable[[], None]:
    """For `preexec_fn`: the kernel sends this signal when the starting *thread* ends.

    So start from the main thread, or the child dies with the thread.
    """
    parent = os.getpid()

    def arm() -> None:
        if sys.platform == "linux":
            _libc.prctl(PR_SET_PDEATHSIG, int(number))
            if os.getppid() != parent:  # died between fork and prctl
                os.kill(os.getpid(), signal.SIGKILL)

    return arm


def spawn(
    command: Sequence[str | Path],
    *,
    log: Path,
    on_death: signal.Signals = signal.SIGTERM,
    account: pwd.struct_passwd | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
) -> "subprocess.Popen[bytes]":
    """Starts a process in a session of its own, its output appended to the log.

    The terminal's Ctrl-C does not reach it: the order of stopping is its supervisor's. With an
    account (needs root) it runs as that one.
    """
    _put_aside(log)
    identity = _identity(account)
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=cwd,
            env=env,
            start_new_session=True,
            preexec_fn=die_with_parent(on_death),
            user=identity[0],
            group=identity[1],
            extra_groups=identity[2],
        )


def _put_aside(log: Path) -> None:
    """Two files of this size at most: a log never fills the disk."""
    with suppress(FileNotFoundError):
        if log.stat().st_size > LARGEST_LOG:
            log.replace(log.with_suffix(".log.1"))


def _identity(
    account: pwd.struct_passwd | None,
) -> tuple[int | None, int | None, list[int] | None]:
    return (account.pw_uid, account.pw_gid, []) if account else (None, None, None)


def is_running(pid: int, name: str) -> bool:
    """True when that process exists, is no zombie and goes by that name."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    comm, _, rest = text.partition("(")[2].rpartition(")")
    return comm == name and not rest.lstrip().startswith("Z")


def marked(prefix: str) -> list[int]:
    """Ids of the processes whose mark starts so, in whatever session they are."""
    wanted = f"{MARK}={prefix}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            variables = (folder / "environ").read_bytes().split(b"\0")
            if any(variable.startswith(wanted) for variable in variables):
                found.append(int(folder.name))
    return [pid for pid in found if pid != os.getpid()]


def end_marked(prefix: str) -> int:
    """Kills the processes whose mark starts so; returns how many."""
    pids = marked(prefix)
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    return len(pids)


def start_guard(prefix: str) -> "subprocess.Popen[bytes]":
    """A process that ends the marked ones once this process is gone, however it went."""
    return subprocess.Popen(
        [sys.executable, "-m", "phi3site.guard", prefix],
        stdin=subprocess.PIPE,
        cwd=ROOT,
        start_new_session=True,
    )
