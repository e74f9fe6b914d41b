"""The end of an answer: text, passages, citations, receipt and event in one fenced transaction."""

from django.db import transaction
from django.db.models.functions import Now

from chat.drafts import Draft, LeaseLost
from chat.engine import Fingerprint
from chat.events import Event
from chat.models import Answer, Citation, Passage, Receipt
from chat.reading import answer_html, show_answer
from chat.receipts import ENDED, build_receipt
from phi3site.audit.canonical import sha256
from phi3site.audit.recording import record

Status = Answer.Status


def finish(draft: Draft, fingerprint: Fingerprint) -> Event:
    """Ends an answer that has its text, or was stopped; returns its last event."""
    status = Status.STOPPED if draft.stop_reason == "cancelled" else Status.COMPLETE
    answer = _store(draft, fingerprint, status=status)
    name = "stopped" if status == Status.STOPPED else "done"
    return Event(type=name, html=answer_html(show_answer(answer, draft.asker), draft.asker))


def fail(draft: Draft, fingerprint: Fingerprint, *, code: str, message: str) -> Event:
    """Ends an answer that can't be finished; what had come is kept. Returns its last event."""
    draft.attributions = []
    answer = _store(draft, fingerprint, status=Status.FAILED, code=code, message=message)
    html = answer_html(show_answer(answer, draft.asker), draft.asker)
    return Event(type="failed", code=code, message=message, html=html)


@transaction.atomic
def _store(
    draft: Draft, fingerprint: Fingerprint, *, status: Status, code: str = "", message: str = ""
) -> Answer:
    ended = draft.claim.rows().update(
        status=status,
        text=draft.text,
        is_abstention=draft.is_abstention,
        error_code=code,
        error=message,
        stop_reason=draft.stop_reason,
        timings=draft.timings,
        prompt_tokens=len(draft.prompt.token_ids) if draft.prompt else 0,
        answer_tokens=draft.tokens,
        lease_until=None,
        finished_at=Now(),
    )
    if not ended:
        raise LeaseLost
    Passage.objects.bulk_update(draft.passages, ["is_used"])
    _store_citations(draft)
    body = build_receipt(draft, fingerprint, status=status, error=code)
    digest = sha256(body)
    action = "answer.failed" if status == Status.FAILED else ENDED
    details = {"receipt": digest, "status": status, "asker": draft.asker.pk}
    # Last, since it holds the chain's lock until the commit.
    seq = record(action, target=draft.answer, details=details)
    Receipt.objects.create(answer=draft.answer, body=body, sha256=digest, audit_seq=seq)
    return Answer.objects.select_related("question").get(pk=draft.claim.answer_id)


def _store_citations(draft: Draft) -> None:
    by_marker = {passage.marker: passage for passage in draft.passages}
    Citation.objects.bulk_create(
        Citation(
            answer=draft.answer,
            start=found.start,
            end=found.end,
            passage=by_marker.get(found.marker or 0),
            support=found.support,
            verdict=found.verdict,
            passage_start=found.passage.start if found.passage else None,
            passage_end=found.passage.end if found.passage else None,
        )
        for found in draft.attributions
    )
