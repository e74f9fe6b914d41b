"""Keeps the site's processes running: starts them, starts them again, stops them in order.

Knows nothing of what they do. Runs in the main thread: a child dies with the thread that made it.
"""

import os
import select
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from phi3site.processes import MARK, end_marked, spawn, start_guard

FIRST_PAUSE, LONGEST_PAUSE = 0.25, 30.0
# A process that ran this long had a good start: its next pause is the first again.
STEADY_SECONDS = 60.0
STOP_SECONDS = 8.0


@dataclass
class Child:
    """One supervised program and what became of it."""

    name: str
    command: Sequence[str | Path]
    env: Mapping[str, str]
    log: Path
    # Runs to its end once; the others are started again whenever they end.
    is_task: bool = False
    process: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    pause: float = FIRST_PAUSE
    due: float = field(default=0.0)

    @property
    def result(self) -> int | None:
        """The exit status of a task that is done."""
        return self.process.returncode if self.process else None


class Supervisor:
    """The processes of one `up`; call `tend` often, and `stop` in the end."""

    def __init__(self, logs: Path, tell: Callable[[str], None]) -> None:
        self.logs, self.tell = logs, tell
        self.token = uuid.uuid4().hex
        self.children: dict[str, Child] = {}
        self._pipe = list(os.pipe())
        for end in self._pipe:
            os.set_blocking(end, False)
        signal.set_wakeup_fd(self._pipe[1], warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _ignore)
        self._guard = start_guard(f"{self.token}/")

    def start(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str],
        is_task: bool = False,
    ) -> Child:
        """Starts a program under that name; its output goes to the log of the name."""
        log = self.logs / f"{name}.log"
        child = Child(name, command, {**env, MARK: self._mark(name)}, log, is_task)
        self.children[name] = child
        self._launch(child)
        return child

    def tend(self, seconds: float) -> None:
        """Waits for that long at most, or until a child ends; starts again what is due."""
        due = [child.due for child in self.children.values() if child.due]
        until = min([seconds, *(max(0.0, when - time.monotonic()) for when in due)])
        if select.select(self._pipe[:1], [], [], until)[0]:
            os.read(self._pipe[0], 4096)
        for child in self.children.values():
            self._look_after(child)

    def stop(self) -> None:
        """Asks all children to end, the last started first; kills what is left in the end."""
        running = [
            c.process for c in self.children.values() if c.process and c.process.poll() is None
        ]
        for process in reversed(running):
            process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for process in reversed(running):
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        end_marked(f"{self.token}/")
        if self._guard.stdin:
            self._guard.stdin.close()
        self._guard.wait()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        while self._pipe:
            os.close(self._pipe.pop())

    def _mark(self, name: str) -> str:
        return f"{self.token}/{name}/"

    def _launch(self, child: Child) -> None:
        child.due, child.started = 0.0, time.monotonic()
        child.process = spawn(child.command, log=child.log, env=child.env)

    def _look_after(self, child: Child) -> None:
        if child.due:
            if time.monotonic() >= child.due:
                self._launch(child)
        elif child.process and child.process.poll() is not None and not child.is_task:
            self._plan_restart(child, child.process.returncode)

    def _plan_restart(self, child: Child, status: int) -> None:
        # Its own children must not go on beside those of its successor.
        end_marked(self._mark(child.name))
        now = time.monotonic()
        if now - child.started > STEADY_SECONDS:
            child.pause = FIRST_PAUSE
        child.due = now + child.pause
        how = f"signal {-status}" if status < 0 else f"status {status}"
        self.tell(
            f"{child.name} ended ({how}); starting it again in {child.pause:g} s "
            f"(its log: {child.log})"
        )
        child.pause = min(child.pause * 2, LONGEST_PAUSE)


def _ignore(_signal: int, _frame: FrameType | None) -> None:
    """The wake-up pipe has the signal already."""
