"""What an auditor finds: answers of anybody, and the story that each one's receipt tells.

Reads the receipt's own text, not the rows: the rows may have changed since, the text can't without
being found out. Knows no page; who may come here is checked by the views.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse

from chat.candidates import Candidates, read_candidates
from chat.errors import StateConflict
from chat.models import Answer, ExpertVersion, Passage, Receipt
from chat.receipts import FORMAT, ReceiptCheck, verify_receipt
from phi3site.audit.models import AuditEvent
from phi3site.audit.recording import record
from phi3site.audit.verifying import Fault

MAY_TRACE = "chat.trace_answers"
# The stamps of an answer in words; all but the first count from when an engine took it up.
MOMENTS = {
    "waited": "Waited for an engine",
    "retrieved": "Passages found",
    "first_token": "First word",
    "generated": "Last word",
    "attributed": "Sentences compared with passages",
    "total": "Finished",
}


@dataclass(frozen=True)
class Piece:
    """A stretch of the answer; a sentence has a verdict, and what it rests on."""

    text: str
    verdict: str = ""
    rests_on: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Story:
    """An answer from question to proof."""

    answer: Answer
    receipt: Receipt | None
    check: ReceiptCheck
    event: AuditEvent | None
    # The receipt's content; empty when there is none, or it can't be read.
    told: dict[str, Any]
    asked_at: datetime | None = None
    candidates: Candidates = field(default_factory=Candidates)
    pieces: Sequence[Piece] = ()
    # What was reached, and after how many seconds.
    moments: Sequence[tuple[str, float]] = ()


def traceable_by(user: Any) -> QuerySet[Answer]:
    """Every answer for who may trace; none for others."""
    if not user.is_active or not user.has_perm(MAY_TRACE):
        return Answer.objects.none()
    return Answer.objects.select_related(
        "question__asker", "question__conversation", "expert_version__expert", "receipt"
    ).order_by("-created_at")


def search_answers(
    user: Any,
    *,
    person: str = "",
    question: str = "",
    expert: Any = None,
    document: str = "",
    adapter: Any = None,
    since: date | None = None,
    until: date | None = None,
) -> QuerySet[Answer]:
    """Answers that fit each criterion given; days are of UTC, `until` included."""
    found = traceable_by(user)
    if person:
        found = found.filter(question__asker__username__icontains=person)
    if question:
        found = found.filter(question__text__icontains=question)
    if expert:
        found = found.filter(expert_version__expert=expert)
    if adapter:
        versions = ExpertVersion.objects.filter(adapter=adapter)
        found = found.filter(expert_version__in=versions)
    if document:
        passages = Passage.objects.filter(document_title__icontains=document, is_used=True)
        found = found.filter(pk__in=passages.values("answer"))
    if since:
        found = found.filter(created_at__gte=_midnight(since))
    if until:
        found = found.filter(created_at__lt=_midnight(until + timedelta(days=1)))
    return found


def tell_story(answer: Answer) -> Story:
    """Everything that the receipt says, checked against the log and the rows."""
    receipt = Receipt.objects.filter(answer=answer).first()
    if receipt is None:
        return Story(answer, None, ReceiptCheck(), None, {})
    check = verify_receipt(receipt)
    event = AuditEvent.objects.filter(seq=receipt.audit_seq).first()
    try:
        told = _told(receipt)
        candidates, pieces = read_candidates(told), list(_pieces(told))
        asked_at = datetime.fromisoformat(told["asked"]["at"]) if told else None
        moments = _moments(told)
    except (KeyError, TypeError, ValueError, AttributeError):
        # Somebody changed it into something else; the check says so.
        return Story(answer, receipt, check, event, {})
    return Story(answer, receipt, check, event, told, asked_at, candidates, pieces, moments)


def find_passage(user: Any, passage_id: UUID) -> Passage | None:
    """A passage of any answer, for who may trace."""
    passages = Passage.objects.filter(answer__in=traceable_by(user).order_by())
    return passages.select_related("answer__question").filter(pk=passage_id).first()


def verify_answer(answer: Answer, *, actor: Any) -> Story:
    """The story, checked at somebody's wish: that they asked, and what came out, is an event."""
    with transaction.atomic():
        story = tell_story(answer)
        if story.receipt is None:
            raise StateConflict("This answer has no receipt yet. Verify it when it has ended.")
        details = {"intact": story.check.is_intact, "event": story.receipt.audit_seq}
        record("answer.verified", actor=actor, target=answer, details=details)
    return story


def verify_receipts() -> Iterator[Fault]:
    """Receipts that differ from the log or from their answers, and those that are gone."""
    receipts = Receipt.objects.select_related("answer__question").order_by("pk")
    for receipt in receipts.prefetch_related("answer__passages").iterator(chunk_size=500):
        check = verify_receipt(receipt)
        if not check.is_intact:
            yield _fault(str(receipt.answer_id), " ".join(check.problems).rstrip("."))
    logged = AuditEvent.objects.filter(action__startswith="answer.", details__contains='"receipt":')
    gone = logged.exclude(seq__in=Receipt.objects.values("audit_seq")).order_by("seq")
    for event in gone.iterator():
        yield _fault(event.target_id, f"Its receipt is gone; event {event.seq} holds its hash")


def _fault(answer_id: str, reason: str) -> Fault:
    return Fault(f"Answer {answer_id}", reason, reverse("chat:receipt", args=[answer_id]))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=UTC)


def _told(receipt: Receipt) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(receipt.body)
    return told if told["format"] == FORMAT else {}


def _moments(told: dict[str, Any]) -> list[tuple[str, float]]:
    timings = {name: float(seconds) for name, seconds in told.get("timings", {}).items()}
    ordered = sorted(timings, key=lambda name: (name != "waited", timings[name]))
    return [(MOMENTS.get(name, name.replace("_", " ")), timings[name]) for name in ordered]


def _pieces(told: dict[str, Any]) -> Iterator[Piece]:
    """The whole text once, cut where its sentences begin and end."""
    text, position = told.get("output", {}).get("text", ""), 0
    passages = {passage["marker"]: passage for passage in told.get("passages", ())}
    ordered = sorted(told.get("citations", ()), key=_span)
    for (start, end), citations in groupby(ordered, key=_span):
        same = list(citations)
        if start > position:
            yield Piece(text[position:start])
        rests_on = [_support(c, passages[c["marker"]]) for c in same if c["marker"] in passages]
        yield Piece(text[max(start, position) : end], same[0]["verdict"], rests_on)
        position = max(end, position)
    if position < len(text):
        yield Piece(text[position:])


def _span(citation: dict[str, Any]) -> tuple[int, int]:
    return citation["start"], citation["end"]


def _support(citation: dict[str, Any], passage: dict[str, Any]) -> dict[str, Any]:
    """A citation beside the very words that it rests on."""
    start, end = citation["passage"] or (0, 0)
    return {**citation, "passage_id": passage["id"], "words": passage["text"][start:end]}
