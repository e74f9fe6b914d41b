"""Database and encoder work beside the event loop."""

from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

from channels.db import database_sync_to_async

P = ParamSpec("P")
R = TypeVar("R")


def in_thread(function: Callable[P, R]) -> Callable[P, Awaitable[R]]:
    """Runs one named function in a thread of its own and hands its connection back."""
    return database_sync_to_async(function, thread_sensitive=False)
