"""Work that may crash or hang, done item by item in a process of its own.

What one item breaks costs that item alone: the process is made anew for those after it. Knows no
PDF.
"""

import os
import signal
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any, TypeVar

Item = TypeVar("Item")
MOST_CRASHES = 5


def each_apart(
    work: Callable[[Item], Any], items: Sequence[Item], *, seconds: float
) -> Generator[tuple[Item, Any], None, None]:
    """Each item with what `work` made of it; None where that broke or took longer."""
    left, crashes = list(items), 0
    while left and crashes < MOST_CRASHES:
        ours, theirs = Pipe(duplex=False)
        helper = os.fork()
        if helper == 0:
            ours.close()
            _serve(work, left, theirs)
        theirs.close()
        try:
            while left and ours.poll(seconds):
                result = ours.recv()
                yield left.pop(0), result
        except EOFError:
            pass
        finally:
            _end(helper, ours)
        if left:
            crashes += 1
            yield left.pop(0), None
    yield from ((item, None) for item in left)


def _serve(work: Callable[[Any], Any], items: Sequence[Any], answers: Connection) -> None:
    """The helper's whole life; it never comes back to its caller's code."""
    try:
        for item in items:
            answers.send(work(item))
    finally:
        os._exit(0)


def _end(helper: int, answers: Connection) -> None:
    answers.close()
    with suppress(ProcessLookupError):
        os.kill(helper, signal.SIGKILL)
    os.waitpid(helper, 0)
