"""Who works on which answer: claims, leases, hand-backs. Each change is one compare-and-set.

An answer is held by one attempt of one worker until its lease ends; a worker writes only while its
attempt is current. All times are the database's, so workers' clocks don't matter.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, OuterRef, QuerySet, Subquery, Window
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, Now, RowNumber

from chat.events import Event
from chat.models import Answer
from chat.queueing import announce_end
from phi3site.audit.recording import record

# A worker may die under an answer this often; then the answer itself is suspected.
MOST_CRASHES = 2

QUEUED, RUNNING = Answer.Status.QUEUED, Answer.Status.RUNNING


@dataclass(frozen=True)
class Claim:
    """The right to write one answer, as long as no later attempt exists."""

    answer_id: UUID
    attempt: int
    worker: str

    def rows(self) -> QuerySet[Answer]:
        """The answer, or nothing once the claim is lost: what every write goes through."""
        return Answer.objects.filter(pk=self.answer_id, attempt=self.attempt, status=RUNNING)


def claim_waiting(worker: str, limit: int) -> list[Claim]:
    """Claims up to `limit` answers: first those whose worker died, then the queue, fairly."""
    claims: list[Claim] = []
    for answer in [*_abandoned(limit), *_queue(limit)]:
        if len(claims) < limit and (claim := _claim(worker, answer)):
            claims.append(claim)
    return claims


def end_hopeless() -> int:
    """Fails answers under which a worker died for the last time; returns how many."""
    expired = Answer.objects.filter(status=RUNNING, lease_until__lt=Now())
    hopeless = expired.filter(crashes__gte=MOST_CRASHES - 1)
    return sum(_end(answer) for answer in hopeless[:100])


def renew(worker: str, claims: list[Claim]) -> tuple[set[UUID], set[UUID]]:
    """Extends the leases; returns the answers that are no longer ours, and those to be stopped."""
    ours = {claim.answer_id: claim.attempt for claim in claims}
    rows = Answer.objects.filter(pk__in=ours, worker=worker, status=RUNNING)
    rows.update(lease_until=_lease())
    held = {
        answer_id: stop_requested
        for answer_id, attempt, stop_requested in rows.values_list(
            "pk", "attempt", "stop_requested"
        )
        if ours[answer_id] == attempt
    }
    return set(ours) - set(held), {answer_id for answer_id, stop in held.items() if stop}


def hand_back(claim: Claim) -> bool:
    """Puts an answer back into the queue, for another worker to start at once."""
    return bool(claim.rows().update(status=QUEUED, worker="", lease_until=None, text=""))


def free_leases_of(workers: list[str]) -> int:
    """Ends the leases of workers that are known to be dead."""
    held = Answer.objects.filter(status=RUNNING, worker__in=workers)
    return held.update(lease_until=Now() - timedelta(seconds=1))


def holders() -> list[str]:
    """Workers that hold answers now."""
    names = Answer.objects.filter(status=RUNNING).values_list("worker", flat=True)
    return sorted(set(names))


def _abandoned(limit: int) -> QuerySet[Answer]:
    expired = Answer.objects.filter(status=RUNNING, lease_until__lt=Now())
    return expired.filter(crashes__lt=MOST_CRASHES - 1).order_by("created_at")[:limit]


def _queue(limit: int) -> QuerySet[Answer]:
    """Who has least under way comes first, then who came first: nobody can block the others."""
    running = (
        Answer.objects.filter(status=RUNNING, question__asker=OuterRef("question__asker"))
        .values("question__asker")
        .annotate(count=Count("pk"))
        .values("count")
    )
    place = Window(RowNumber(), partition_by="question__asker", order_by="created_at")
    waiting = Answer.objects.filter(status=QUEUED)
    turn = waiting.annotate(turn=place + Coalesce(Subquery(running), 0))
    return turn.order_by("turn", "created_at")[:limit]


def _claim(worker: str, answer: Answer) -> Claim | None:
    same = Answer.objects.filter(pk=answer.pk, status=answer.status, attempt=answer.attempt)
    if answer.status == RUNNING:
        same = same.filter(lease_until__lt=Now())
    claimed = same.update(
        status=RUNNING,
        worker=worker,
        attempt=F("attempt") + 1,
        crashes=F("crashes") + int(answer.status == RUNNING),
        lease_until=_lease(),
        started_at=Now(),
        text="",
    )
    return Claim(answer.pk, answer.attempt + 1, worker) if claimed else None


@transaction.atomic
def _end(answer: Answer) -> int:
    words = "The answer was interrupted twice. Ask again; if it happens again, tell your admin."
    same = Answer.objects.filter(pk=answer.pk, status=RUNNING, attempt=answer.attempt)
    ended = same.filter(lease_until__lt=Now()).update(
        status=Answer.Status.FAILED,
        attempt=F("attempt") + 1,
        error_code="worker_lost",
        error=words,
        finished_at=Now(),
    )
    if ended:
        answer.attempt += 1
        announce_end(answer, Event(type="failed", code="worker_lost", message=words, html=""))
        record("answer.failed", target=answer, details={"code": "worker_lost"})
    return ended


def _lease() -> Combinable:
    return Now() + timedelta(seconds=settings.CHAT_LEASE_SECONDS)
