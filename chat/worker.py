"""An engine worker: claims waiting answers, many at a time, and keeps their leases.

Rows are the truth, Valkey only rings: a worker that misses every message still finds its work
within seconds, and outages of either are waited out. One event loop for all.
"""

import asyncio
import json
import logging
import os
import secrets
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.utils import timezone
from redis.exceptions import RedisError, ResponseError

from chat import leases
from chat.answering import ENCODING, answer
from chat.attachments import expire
from chat.engine import Engine
from chat.events import ENGINE_GROUP, HEARTBEAT_KEY, QUESTIONS, STOP_CHANNEL
from chat.leases import Claim
from chat.summarising import summarise_next
from chat.threads import in_thread
from knowledge.errors import KnowledgeError
from phi3site.valkey import async_client

HEARTBEAT_TTL = 15
# Without a ring, the queue is looked at this often; it also bounds how late a dead one is noticed.
LOOK_EVERY = 2.0
EXPIRE_EVERY = 600.0
# Seconds that running answers get to finish when the worker is told to end.
GRACE = 3.0
LONGEST_PAUSE = 5.0

logger = logging.getLogger(__name__)


class EngineDied(Exception):
    """The engine can't answer any more; only a new process helps."""


@dataclass
class Running:
    """An answer under way."""

    claim: Claim
    task: asyncio.Task[None]
    stop: asyncio.Event = field(default_factory=asyncio.Event)


class Worker:
    """Answers questions with one engine until it is told to end."""

    def __init__(self, engine: Engine, *, slots: int, name: str = "") -> None:
        self.name = name or f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
        self._engine, self._slots = engine, slots
        self._running: dict[UUID, Running] = {}
        self._bell, self._ending = asyncio.Event(), asyncio.Event()
        self._encoding = asyncio.Semaphore(ENCODING)
        self._retold: set[UUID] = set()
        self._valkey = async_client(timeout=10)

    async def run(self) -> None:
        """Works until `end`; raises EngineDied when the engine is gone."""
        await self._outlast(self._take_over)
        loops = [
            asyncio.create_task(self._repeat(step, pause))
            for step, pause in (
                (self._claim, 0.0),
                (self._hear_questions, 0.0),
                (self._hear_stops, 0.0),
                (self._beat, settings.CHAT_LEASE_SECONDS / 3),
                (self._summarise, LOOK_EVERY),
                (self._expire, EXPIRE_EVERY),
            )
        ]
        ending = asyncio.create_task(self._ending.wait())
        try:
            done, _ = await asyncio.wait({*loops, ending}, return_when=asyncio.FIRST_COMPLETED)
            for finished in done - {ending}:
                finished.result()
        finally:
            await _cancel({*loops, ending})
            await self._leave()

    def end(self) -> None:
        """Claims nothing more, lets what runs finish for a moment, hands the rest back."""
        self._ending.set()

    async def _repeat(self, step: Callable[[], Awaitable[None]], pause: float) -> None:
        while True:
            await self._outlast(step)
            await asyncio.sleep(pause)

    async def _outlast(self, step: Callable[[], Awaitable[None]]) -> None:
        """Runs a step; while Postgres or Valkey is away, again and again with growing pauses."""
        pause = 0.2
        while True:
            try:
                return await step()
            except (DatabaseError, InterfaceError, RedisError, OSError) as error:
                logger.warning("%s: waiting for %s", step.__name__, type(error).__name__)
                await asyncio.sleep(pause)
                pause = min(LONGEST_PAUSE, pause * 2)

    async def _take_over(self) -> None:
        """At the start: what dead workers held is free at once, without waiting for its lease."""
        dead = [name for name in await in_thread(leases.holders)() if await self._is_dead(name)]
        if dead and (freed := await in_thread(leases.free_leases_of)(dead)):
            logger.info("%d answers of dead workers are free", freed)

    async def _is_dead(self, name: str) -> bool:
        host, _, rest = name.partition(":")
        pid = rest.partition(":")[0]
        if host == socket.gethostname() and pid.isdigit():
            return int(pid) == os.getpid() or not _lives(int(pid))
        return not await self._valkey.exists(HEARTBEAT_KEY.format(name))

    async def _claim(self) -> None:
        """Starts as many waiting answers as there are free slots, then waits for a ring."""
        self._bell.clear()
        if free := self._slots - len(self._running):
            await in_thread(leases.end_hopeless)()
            for claim in await in_thread(leases.claim_waiting)(self.name, free):
                self._start(claim)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._bell.wait(), LOOK_EVERY)

    def _start(self, claim: Claim) -> None:
        stop = asyncio.Event()
        work = answer(claim, self._engine, valkey=self._valkey, stop=stop, encoding=self._encoding)
        task = asyncio.create_task(work, name=f"answer {claim.answer_id}")
        self._running[claim.answer_id] = Running(claim, task, stop)
        task.add_done_callback(lambda _: self._ended(claim, task))

    def _ended(self, claim: Claim, task: asyncio.Task[None]) -> None:
        running = self._running.get(claim.answer_id)
        if running is not None and running.task is task:
            del self._running[claim.answer_id]
        if not task.cancelled() and (error := task.exception()):
            logger.error("answer %s broke off", claim.answer_id, exc_info=error)
        self._bell.set()

    async def _hear_questions(self) -> None:
        """One ring for each new question; a full worker leaves the ring to others."""
        free = self._slots - len(self._running)
        if free <= 0:
            await asyncio.sleep(0.1)
            return
        try:
            rings = await self._valkey.xreadgroup(
                ENGINE_GROUP, self.name, {QUESTIONS: ">"}, count=free, block=1000, noack=True
            )
        except ResponseError:  # no such group: a fresh or emptied Valkey
            with suppress(ResponseError):
                await self._valkey.xgroup_create(QUESTIONS, ENGINE_GROUP, id="0", mkstream=True)
            return
        if rings:
            self._bell.set()

    async def _hear_stops(self) -> None:
        """Sets the stop of an answer that is ours; missed ones come with the next heartbeat."""
        async with self._valkey.pubsub(ignore_subscribe_messages=True) as pubsub:
            await pubsub.subscribe(STOP_CHANNEL)
            while True:
                message = await pubsub.get_message(timeout=5)
                if message is not None:
                    self._stop(message["data"].decode())

    def _stop(self, answer_id: str) -> None:
        for known, running in self._running.items():
            if str(known) == answer_id:
                running.stop.set()

    async def _beat(self) -> None:
        """Extends the leases, drops what was lost, says that the worker lives."""
        if not self._engine.is_alive:
            raise EngineDied("the engine has stopped; a new process must take over")
        claims = [running.claim for running in self._running.values()]
        lost, stopped = await in_thread(leases.renew)(self.name, claims)
        for claim in claims:
            running = self._running.get(claim.answer_id)
            if running is None or running.claim != claim:
                continue
            if claim.answer_id in lost and not running.task.done():
                running.task.cancel()
            elif claim.answer_id in stopped:
                running.stop.set()
        await self._report()

    async def _expire(self) -> None:
        """Files of conversations that nobody goes on with are removed."""
        try:
            await in_thread(expire)()
        except KnowledgeError as error:
            logger.warning("attached files could not be removed: %s", error.code)

    async def _summarise(self) -> None:
        """While nobody asks, summaries are told in the engine's words."""
        if settings.KNOWLEDGE_SUMMARIES == "engine":
            while not self._running and await summarise_next(self._engine, self._retold):
                pass

    async def _report(self) -> None:
        fingerprint = self._engine.fingerprint
        report = {
            "worker": self.name,
            "base_model": fingerprint.base_model,
            "is_demo": fingerprint.is_demo,
            "fingerprint": {**asdict(fingerprint), "base": fingerprint.base},
            "adapters": self._engine.adapters(),
            "active": len(self._running),
            "slots": self._slots,
            "at": timezone.now().isoformat(),
        }
        key = HEARTBEAT_KEY.format(self.name)
        await self._valkey.set(key, json.dumps(report), ex=HEARTBEAT_TTL)

    async def _leave(self) -> None:
        """Grace for what runs, then back into the queue with it; a last sign to others."""
        running = list(self._running.values())
        if running:
            await asyncio.wait({each.task for each in running}, timeout=GRACE)
        await _cancel({each.task for each in running})
        try:
            for each in running:
                await self._hand_back(each.claim)
            await self._valkey.delete(HEARTBEAT_KEY.format(self.name))
            await self._valkey.xgroup_delconsumer(QUESTIONS, ENGINE_GROUP, self.name)
        except (DatabaseError, InterfaceError, RedisError, OSError) as error:
            logger.warning("left without handing back: %s", type(error).__name__)
        await self._valkey.aclose()

    async def _hand_back(self, claim: Claim) -> None:
        if await in_thread(leases.hand_back)(claim):
            await self._valkey.xadd(QUESTIONS, {"answer": str(claim.answer_id)}, maxlen=10_000)


def configured_slots() -> int:
    """Answers at the same time: a few more than the batch holds, so that searching overlaps."""
    return int(settings.CHAT_BATCH_SIZE) + ENCODING


async def _cancel(tasks: set[asyncio.Task[Any]]) -> None:
    """Cancels until all have ended: a client that is just connecting swallows the first time."""
    for _ in range(20):
        tasks = {task for task in tasks if not task.done()}
        if not tasks:
            return
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=0.25)
    logger.warning("%d tasks did not end", len(tasks))


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
