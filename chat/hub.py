"""One reader of answers' logs per web process, for all its sockets.

Every 20 ms one XREAD asks for what is new in all logs that somebody follows. Each subscription
keeps its own place, so a late or returning reader gets exactly the rest. Knows no socket.
"""

import asyncio
import logging
from asyncio import AbstractEventLoop
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID
from weakref import WeakKeyDictionary

from redis.asyncio import Redis
from redis.exceptions import RedisError

from chat.events import LAST_EVENTS, Event, stream_key
from chat.stream import decode, parse_id
from phi3site.valkey import async_client

TICK, LONGEST_TICK = 0.02, 0.1
LONGEST_PAUSE = 2.0
# Entries of one log in one read.
READ = 500
# Events that wait for a socket; more means that its reader has stopped reading.
WAITING = 4_000

Id = tuple[int, int]
Entry = tuple[str, Event]
Log = list[tuple[bytes, dict[bytes, bytes]]]

logger = logging.getLogger(__name__)


class ReaderTooSlow(Exception):
    """The subscription was dropped because nobody took its events; it can be resumed."""


class Subscription:
    """What one reader still has to get of one answer's log, in order."""

    def __init__(self, hub: "Hub", answer_id: UUID, last: Id) -> None:
        self.answer_id, self.last = answer_id, last
        self.is_over = False
        self._hub, self._entries = hub, asyncio.Queue[Entry | None]()

    async def next(self, timeout: float) -> list[Entry]:
        """All events that are there, after waiting for the first; empty when none came in time.

        Raises ReaderTooSlow when the hub has dropped this subscription.
        """
        try:
            first = await asyncio.wait_for(self._entries.get(), timeout)
        except TimeoutError:
            return []
        entries = [first]
        while not self._entries.empty():
            entries.append(self._entries.get_nowait())
        if None in entries:
            raise ReaderTooSlow
        return [entry for entry in entries if entry is not None]

    def offer(self, entry_id: str, event: Event) -> None:
        """Takes an entry if it is new to this reader."""
        place = parse_id(entry_id)
        if place <= self.last or self.is_over:
            return
        self.last = place
        if self._entries.qsize() >= WAITING:
            self._entries.put_nowait(None)
            self.close()
            return
        self._entries.put_nowait((entry_id, event))
        if event["type"] in LAST_EVENTS:
            self.close()

    def close(self) -> None:
        """Asks for nothing more; what has come can still be taken."""
        self.is_over = True
        self._hub.forget(self)


class Hub:
    """Follows logs for the sockets of one event loop."""

    def __init__(self) -> None:
        self._followed: dict[UUID, set[Subscription]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None
        self._tick = TICK

    def follow(self, answer_id: UUID, last: Id = (0, 0)) -> Subscription:
        """A subscription to what comes after the event `last`."""
        subscription = Subscription(self, answer_id, last)
        self._followed[answer_id].add(subscription)
        self._tick = TICK
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        return subscription

    def forget(self, subscription: Subscription) -> None:
        """Stops reading for a subscription."""
        readers = self._followed.get(subscription.answer_id)
        if readers is not None:
            readers.discard(subscription)
            if not readers:
                del self._followed[subscription.answer_id]

    async def _run(self) -> None:
        """Reads while somebody follows; asks a Valkey that is away again, with growing pauses."""
        valkey, pause = async_client(), TICK
        try:
            while self._followed:
                try:
                    came = await self._read(valkey)
                    pause = TICK
                except (RedisError, OSError) as error:
                    logger.warning("the hub lost Valkey: %s", type(error).__name__)
                    await asyncio.sleep(pause)
                    pause = min(LONGEST_PAUSE, pause * 2)
                    continue
                self._tick = TICK if came else min(LONGEST_TICK, self._tick * 1.2)
                await asyncio.sleep(self._tick)
        finally:
            self._task = None  # before any await: who follows from now on starts a new one
            await valkey.aclose()

    async def _read(self, valkey: Redis) -> bool:
        # Who comes while this waits has missed what is read now: the next round is theirs.
        present = {answer_id: tuple(readers) for answer_id, readers in self._followed.items()}
        places: Any = {
            stream_key(answer_id): "{}-{}".format(*min(reader.last for reader in readers))
            for answer_id, readers in present.items()
        }
        if not places:
            return False
        # What redis-py's annotations leave open: [(key, [(id, fields)])].
        logs = cast(list[tuple[bytes, Log]], await valkey.xread(places, count=READ))
        for key, entries in logs:
            answer_id = UUID(key.decode().rpartition(":")[2])
            for entry_id, fields in entries:
                self._hand_out(present[answer_id], entry_id.decode(), fields)
        return bool(logs)

    def _hand_out(
        self, readers: Sequence[Subscription], entry_id: str, fields: dict[bytes, bytes]
    ) -> None:
        try:
            event = decode(fields)
        except (ValueError, KeyError):
            logger.error("entry %s of answer %s is no event", entry_id, readers[0].answer_id)
            return
        for reader in readers:
            reader.offer(entry_id, event)


_hubs: "WeakKeyDictionary[AbstractEventLoop, Hub]" = WeakKeyDictionary()


def get_hub() -> Hub:
    """The hub of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
    return _hubs[loop]


def coalesce(entries: list[Entry]) -> list[Entry]:
    """Successive texts as one, under the id of the last."""
    merged: list[Entry] = []
    for entry_id, event in entries:
        before = merged[-1][1] if merged else None
        if before and before["type"] == event["type"] == "text":
            text = before.get("text", "") + event.get("text", "")
            merged[-1] = (entry_id, Event(type="text", text=text))
        else:
            merged.append((entry_id, event))
    return merged
