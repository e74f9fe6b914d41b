"""Hands the hints on a person's conversations to that person's sockets.

One subscription to Valkey for all sockets of an event loop, as long as there are any.
"""

import asyncio
import json
import logging
from asyncio import AbstractEventLoop
from collections import defaultdict
from collections.abc import Callable, Coroutine
from typing import Any
from weakref import WeakKeyDictionary

from redis.exceptions import RedisError

from chat.hints import CHANGES_CHANNEL
from phi3site.valkey import async_client

LONGEST_PAUSE = 5.0
# Of waiting for a message; the connection is checked in between.
LISTEN = 5.0

Tell = Callable[[str], Coroutine[Any, Any, None]]

logger = logging.getLogger(__name__)


class Tabs:
    """The sockets of one event loop, by person."""

    def __init__(self) -> None:
        self._open: dict[int, set[Tell]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None

    def add(self, user_id: int, tell: Tell) -> None:
        """Tells a socket of every change until it is removed."""
        self._open[user_id].add(tell)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    def remove(self, user_id: int, tell: Tell) -> None:
        """The socket has ended; with the last one the listening ends, too."""
        self._open[user_id].discard(tell)
        if not self._open[user_id]:
            del self._open[user_id]
        if not self._open and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _run(self) -> None:
        pause = 0.2
        while self._open:
            try:
                await self._listen()
            except (RedisError, OSError) as error:
                logger.warning("hints are not heard: %s", type(error).__name__)
                await asyncio.sleep(pause)
                pause = min(LONGEST_PAUSE, pause * 2)

    async def _listen(self) -> None:
        valkey = async_client(timeout=LISTEN * 2)
        try:
            async with valkey.pubsub(ignore_subscribe_messages=True) as hints:
                await hints.subscribe(CHANGES_CHANNEL)
                while self._open:
                    if message := await hints.get_message(timeout=LISTEN):
                        await self._pass_on(message["data"])
        finally:
            await valkey.aclose()

    async def _pass_on(self, data: bytes) -> None:
        change = json.loads(data)
        for tell in tuple(self._open.get(change["user"], ())):
            try:
                await tell(change["conversation"])
            except Exception as error:  # a socket that is gone must not silence the others
                logger.info("a tab was not told: %s", type(error).__name__)


_tabs: "WeakKeyDictionary[AbstractEventLoop, Tabs]" = WeakKeyDictionary()


def get_tabs() -> Tabs:
    """Those of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _tabs:
        _tabs[loop] = Tabs()
    return _tabs[loop]
