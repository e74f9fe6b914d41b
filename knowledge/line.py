"""The line of versions that wait to be read: who is next, who stands where, and its pause.

The rows are the line; a job is only a turn. Small files pass large ones (see
`DocumentVersion.turn_at`), and yet nobody waits for ever.
"""

from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from redis.exceptions import RedisError

from knowledge.attempts import claimable
from knowledge.errors import StateConflict
from knowledge.models import DocumentVersion, IngestionPause
from knowledge.versions import enqueue_ingestion
from phi3site.audit.recording import record
from phi3site.jobs import INGESTION, workers_of

Status = DocumentVersion.Status
# Files up to this size are read in groups, and between the batches of a larger one.
SMALL_BYTES = 256 * 1024
GROUP = 16
FIRST = 1


def waiting() -> QuerySet[DocumentVersion]:
    """Everybody in the line, the next one first; those that a dead worker left are in it again."""
    return DocumentVersion.objects.filter(
        claimable(), status__in=DocumentVersion.UNFINISHED
    ).order_by("-priority", "turn_at", "pk")


def next_ids(*, only_small: bool = False) -> list[str]:
    """Who is to be read now: a group of small files, or one that is large or crashed before.

    A file that crashed a worker is read alone, so that it takes no other one with it.
    """
    if is_paused():
        return []
    harmless = Q(size__lte=SMALL_BYTES, tries=0)
    line = waiting().filter(harmless) if only_small else waiting()
    first = line.first()
    if first is None:
        return []
    if first.size > SMALL_BYTES or first.tries:
        return [str(first.pk)]
    return [str(pk) for pk in line.filter(harmless).values_list("pk", flat=True)[:GROUP]]


def position(version: DocumentVersion) -> int:
    """Its place in the line, 1 for the next one; 0 when it doesn't wait."""
    if version.shown_status != Status.QUEUED:
        return 0
    ahead = Q(priority__gt=version.priority) | Q(
        priority=version.priority, turn_at__lt=version.turn_at
    )
    return waiting().filter(ahead).count() + 1


def is_paused() -> bool:
    """Whether nothing new is begun."""
    return IngestionPause.objects.exists()


def is_served() -> bool:
    """Whether a worker is there that reads files; none is known of while Valkey is away."""
    try:
        return workers_of(INGESTION) > 0
    except RedisError:
        return False


def pause(*, actor: Any) -> None:
    """Nothing new is begun; what is under way is finished. Raises StateConflict when paused."""
    with transaction.atomic():
        _pause, created = IngestionPause.objects.get_or_create(id=1, defaults={"paused_by": actor})
        if not created:
            raise StateConflict("The queue is paused already.")
        record("ingestion.paused", actor=actor)


def resume(*, actor: Any) -> None:
    """Goes on. Raises StateConflict when the queue isn't paused."""
    with transaction.atomic():
        removed, _rows = IngestionPause.objects.all().delete()
        if not removed:
            raise StateConflict("The queue isn't paused.")
        record("ingestion.resumed", actor=actor)
        for version in waiting()[:GROUP]:
            enqueue_ingestion(version)


def put_first(version: DocumentVersion, *, actor: Any) -> None:
    """Moves a waiting version to the front of the line."""
    with transaction.atomic():
        changed = DocumentVersion.objects.filter(pk=version.pk, status=Status.QUEUED)
        if not changed.update(priority=FIRST):
            raise StateConflict("It doesn't wait any more.")
        record("document.put_first", actor=actor, target=version)
        version.refresh_from_db()
        enqueue_ingestion(version)
