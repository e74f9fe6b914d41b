"""CPU-seconds by stage, children included, and the memory of this process.

Knows nothing of what is measured.
"""

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_MEGABYTE = 1024**2


@dataclass
class Meter:
    """What one way of ingesting took."""

    name: str
    cpu: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    seconds: float = 0.0
    total: float = 0.0
    chunks: int = 0

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Adds the CPU time of the block to the stage."""
        start = cpu_seconds()
        try:
            yield
        finally:
            self.cpu[name] += cpu_seconds() - start

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Adds the block's time to the whole."""
        start, begun = cpu_seconds(), time.perf_counter()
        try:
            yield
        finally:
            self.total += cpu_seconds() - start
            self.seconds += time.perf_counter() - begun

    def timed(self, function: Callable[..., Any], stage: str) -> Callable[..., Any]:
        """The function, its CPU time counted for the stage."""

        def wrapper(*arguments: Any, **options: Any) -> Any:
            with self.stage(stage):
                return function(*arguments, **options)

        return wrapper


def cpu_seconds() -> float:
    """Of this process and of its children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def reset_peak() -> None:
    """From here on the peak is counted anew."""
    Path("/proc/self/clear_refs").write_text("5")


def memory() -> tuple[float, float]:
    """Now and at its peak, in MB."""
    fields = dict(
        line.split(":", 1)
        for line in Path("/proc/self/status").read_text().splitlines()
        if ":" in line
    )
    now, peak = (int(fields[name].split()[0]) * 1024 / _MEGABYTE for name in ("VmRSS", "VmHWM"))
    return now, peak
