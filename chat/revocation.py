"""Ends sockets of people who were disabled, signed out or lost the right to ask.

One check a second for all sockets of a process: two queries, however many sockets there are.
"""

import asyncio
import logging
from asyncio import AbstractEventLoop
from collections.abc import Callable, Coroutine
from typing import Any
from weakref import WeakKeyDictionary

from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import DatabaseError
from django.utils import timezone

from chat.threads import in_thread

EVERY = 0.7

logger = logging.getLogger(__name__)


class Ticket:
    """What a socket was opened with: person, sign-in and session, and how to end it."""

    def __init__(
        self, user: Any, session_key: str | None, end: Callable[[], Coroutine[Any, Any, None]]
    ):
        self.user_id, self.session_key, self.end = user.pk, session_key, end
        # Changes with the password, as Django's own sessions do.
        self.proof = user.get_session_auth_hash()


class Watch:
    """Looks after the tickets of one event loop."""

    def __init__(self) -> None:
        self._tickets: set[Ticket] = set()
        self._task: asyncio.Task[None] | None = None

    def add(self, ticket: Ticket) -> None:
        """Looks after a socket until it is removed."""
        self._tickets.add(ticket)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    def remove(self, ticket: Ticket) -> None:
        """The socket has ended."""
        self._tickets.discard(ticket)

    async def _run(self) -> None:
        while self._tickets:
            await asyncio.sleep(EVERY)
            try:
                await self._check(tuple(self._tickets))
            except DatabaseError as error:
                logger.warning("sockets could not be checked: %s", type(error).__name__)

    async def _check(self, tickets: tuple[Ticket, ...]) -> None:
        users, keys = {t.user_id for t in tickets}, {t.session_key for t in tickets}
        proofs, sessions = await in_thread(still_valid)(users, keys - {None})
        for ticket in tickets:
            signed_in = ticket.session_key is None or ticket.session_key in sessions
            if not signed_in or proofs.get(ticket.user_id) != ticket.proof:
                self.remove(ticket)
                asyncio.create_task(ticket.end()).add_done_callback(_report)


def still_valid(users: set[int], keys: set[str | None]) -> tuple[dict[int, str], set[str]]:
    """Proofs of those who may still ask, and sessions that still exist."""
    askers = User.objects.with_perm("chat.ask", backend="django.contrib.auth.backends.ModelBackend")
    sessions = Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    proofs = {user.pk: user.get_session_auth_hash() for user in askers.filter(pk__in=users)}
    return proofs, set(sessions.values_list("session_key", flat=True))


def _report(ended: asyncio.Task[None]) -> None:
    """A socket that is gone already can't be closed; anything else is worth a line."""
    if not ended.cancelled() and (error := ended.exception()):
        logger.info("a socket could not be closed: %s", type(error).__name__)


_watches: "WeakKeyDictionary[AbstractEventLoop, Watch]" = WeakKeyDictionary()


def get_watch() -> Watch:
    """The watch of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _watches:
        _watches[loop] = Watch()
    return _watches[loop]
