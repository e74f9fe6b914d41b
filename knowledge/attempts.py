"""One attempt to make a version ready: claimed, kept alive, and fenced against older ones.

Every write names the attempt's number, so that a worker that was given up on can't undo what
another did. Knows no step of the way itself.
"""

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import Any, Protocol, Self

from django.db import close_old_connections, connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from knowledge.errors import KnowledgeError
from knowledge.models import DocumentVersion
from knowledge.models.versions import DEAD_AFTER
from phi3site.audit.recording import record

Status = DocumentVersion.Status
HEARTBEAT_SECONDS = 5.0
MAX_TRIES = 3

logger = logging.getLogger(__name__)


class AttemptLost(Exception):
    """Another attempt took over, or a person cancelled: stop without a trace."""


def claimable() -> Q:
    """Waiting, or left behind by a worker that died."""
    is_left = Q(heartbeat_at__isnull=True) | Q(heartbeat_at__lt=Now() - DEAD_AFTER)
    return Q(status=Status.QUEUED) | (Q(status__in=DocumentVersion.UNFINISHED) & is_left)


class Attempt:
    """The right to work on a version, as long as nobody else has it."""

    def __init__(self, version: DocumentVersion) -> None:
        self.version = version
        self.number = version.attempt
        waited = (timezone.now() - version.queued_at).total_seconds()
        self.timings: dict[str, float] = {str(Status.QUEUED): round(max(waited, 0), 2)}
        self._stage = (str(Status.QUEUED), perf_counter())
        self._lost = threading.Event()

    @classmethod
    def claim(cls, version_id: str) -> Self | None:
        """The next attempt; None when the version is finished, or in living hands."""
        with transaction.atomic():
            version = (
                DocumentVersion.objects.select_for_update(of=("self",), no_key=True)
                .select_related("document")
                .filter(claimable(), pk=version_id)
                .first()
            )
            if version is None:
                return None
            attempt = cls(version)
            if version.tries >= MAX_TRIES:
                attempt.fail(_gave_up())
                return None
            DocumentVersion.objects.filter(pk=version.pk).update(
                status=Status.EXTRACTING,
                attempt=F("attempt") + 1,
                tries=F("tries") + 1,
                heartbeat_at=Now(),
                timings={},
                warnings=[],
                progress=0,
                error="",
                error_code="",
            )
            version.refresh_from_db()
        attempt.number = version.attempt
        attempt.start()
        return attempt

    def start(self) -> None:
        """The first stage begins now: what was waited for until here is the queue's."""
        self._stage = (str(Status.EXTRACTING), perf_counter())

    def write(self, **values: Any) -> None:
        """Changes the row. Raises AttemptLost when it is no longer this attempt's."""
        mine = DocumentVersion.objects.unfinished().filter(pk=self.version.pk, attempt=self.number)
        if not mine.update(**values):
            self._lost.set()
            raise AttemptLost

    def timings_now(self) -> dict[str, float]:
        """Seconds of each stage until now, the present one included."""
        status, start = self._stage
        return {**self.timings, status: round(perf_counter() - start, 2)}

    def is_lost(self) -> bool:
        """Whether the heartbeat found the row in other hands."""
        return self._lost.is_set()

    @contextmanager
    def stage(self, status: str) -> Iterator[None]:
        """One step: shown on the document's page while it lasts, its seconds kept."""
        self.begin(status)
        yield
        self.end()

    def begin(self, status: str) -> None:
        """Starts a stage that doesn't end in the same block."""
        self.write(status=status, timings=self.timings, heartbeat_at=Now())
        self._stage = (status, perf_counter())

    def end(self) -> None:
        """Keeps the seconds of the present stage."""
        self.timings = self.timings_now()

    def beat(self) -> None:
        """One sign of life."""
        try:
            self.write(heartbeat_at=Now())
        except AttemptLost:
            return
        except Exception:
            # A database that is away for a moment: the next beat may find it again.
            logger.warning("no heartbeat for version %s", self.version.pk, exc_info=True)

    def fail(self, error: KnowledgeError) -> None:
        """Ends the version as failed, with the reason and its event."""
        with transaction.atomic():
            self.write(
                status=Status.FAILED,
                error=error.message,
                error_code=error.code,
                timings=self.timings_now(),
                heartbeat_at=None,
            )
            details = {"code": error.code, "attempt": self.number}
            record("document.failed", target=self.version, details=details)

    def put_back(self, reason: KnowledgeError | None = None) -> None:
        """Waits again, through no fault of the file; the reason is shown while it waits."""
        self.write(
            status=Status.QUEUED,
            heartbeat_at=None,
            tries=F("tries") - 1,
            error=reason.message if reason else "",
            error_code=reason.code if reason else "",
        )

    def give_back(self) -> None:
        """After a surprise: waits for the reconciler, unless that was the last try."""
        if self.version.tries >= MAX_TRIES:
            self.fail(_gave_up())
        else:
            self.write(status=Status.QUEUED, heartbeat_at=None)


class Beating(Protocol):
    """Work whose row is to show that somebody is at it."""

    def beat(self) -> None:
        """One sign of life."""


@contextmanager
def alive(attempts: Sequence[Beating]) -> Iterator[None]:
    """Keeps the heartbeat of all of them going for the length of the block, in a thread."""
    done = threading.Event()

    def beat() -> None:
        while not done.wait(HEARTBEAT_SECONDS):
            for attempt in attempts:
                attempt.beat()
            close_old_connections()
            connection.close()

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def forget_old_connection() -> None:
    """A connection from before the last restart of the database is not used again."""
    if not connection.in_atomic_block:
        close_old_connections()


def _gave_up() -> KnowledgeError:
    return KnowledgeError(
        f"Something broke {MAX_TRIES} times while this file was read. Try again; if it stays, "
        "tell who runs this site: the log names this version.",
        code="ingestion_crashed",
    )
