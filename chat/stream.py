"""The log of one answer: what the engine's side appends, and how an event looks in Valkey.

An event's id is `attempt-number`, given by the writer, so an append that is sent twice lands once,
a writer whose attempt is over is refused, and a lost log can be written again with the same ids:
readers go on from the id they have and get exactly the rest.
"""

import asyncio
import json
import logging
from typing import cast
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from chat.errors import StateConflict
from chat.events import LAST_EVENTS, Event, stream_key
from chat.queueing import KEEP, LONGEST

# How often the last event is tried while Valkey is away, and the pause between, in seconds.
LAST_TRIES, PAUSE = 20, 0.5

logger = logging.getLogger(__name__)


class Superseded(StateConflict):
    """A later attempt writes this answer's log now."""

    code = "superseded"


class AnswerStream:
    """Appends to the log of one answer, for one attempt; never blocks the answer on Valkey."""

    def __init__(self, valkey: Redis, answer_id: UUID, attempt: int) -> None:
        self._valkey, self._key, self._attempt = valkey, stream_key(answer_id), attempt
        # Everything of this attempt, so that a lost log can be written again.
        self._history: list[str] = []
        self._written = 0

    async def append(self, event: Event) -> None:
        """Adds an event; raises Superseded. While Valkey is away it is kept for the next call."""
        self._history.append(encode(event))
        is_last = event["type"] in LAST_EVENTS
        for _ in range(LAST_TRIES if is_last else 1):
            if await self._flush(KEEP if is_last else LONGEST):
                return
            if is_last:
                await asyncio.sleep(PAUSE)
        if is_last:
            logger.warning("the last event of %s did not reach Valkey; the row stands", self._key)

    async def _flush(self, keep: int) -> bool:
        """Writes what is missing; False when Valkey can't be written now."""
        try:
            while self._written < len(self._history):
                try:
                    await self._write()
                except ResponseError as error:
                    await self._settle(error)
            await self._valkey.expire(self._key, keep)
        except (RedisError, OSError):
            return False
        return True

    async def _write(self) -> None:
        """The next event; all of them when the log is new, or lost."""
        if not self._written:
            async with self._valkey.pipeline(transaction=True) as pipe:
                for number, encoded in enumerate(self._history, start=1):
                    pipe.xadd(self._key, {"e": encoded}, id=f"{self._attempt}-{number}")
                await pipe.execute()
            self._written = len(self._history)
            return
        added = await self._valkey.xadd(
            self._key,
            {"e": self._history[self._written]},
            id=f"{self._attempt}-{self._written + 1}",
            nomkstream=True,
        )
        self._written = 0 if added is None else self._written + 1

    async def _settle(self, error: ResponseError) -> None:
        """An id not above the newest: ours from a lost reply, or a later attempt's."""
        newest = await self._valkey.xrevrange(self._key, count=1)
        attempt, number = parse_id(cast(bytes, newest[0][0]).decode()) if newest else (0, 0)
        if attempt > self._attempt:
            raise Superseded("Another worker writes this answer now.") from error
        if attempt < self._attempt or number <= self._written:
            raise error  # Valkey refuses for a reason of its own
        self._written = number


def encode(event: Event) -> str:
    """The event as JSON text."""
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))


def decode(fields: dict[bytes, bytes]) -> Event:
    """The event of a stream entry."""
    return cast(Event, json.loads(fields[b"e"]))


def parse_id(text: str) -> tuple[int, int]:
    """An event id as numbers that compare; raises ValueError for anything else."""
    attempt, _, number = text.partition("-")
    if not attempt.isascii() or not attempt.isdigit() or len(text) > 40:
        raise ValueError(f"{text[:40]!r} is no event id")
    if number and not (number.isascii() and number.isdigit()):
        raise ValueError(f"{text[:40]!r} is no event id")
    return int(attempt), int(number or 0)
