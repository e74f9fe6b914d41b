"""The receipt of an answer: all that explains and replays it, in one canonical text.

Its hash stands in the hash-chained audit log, so neither can be changed alone. Knows rows and
values, no engine.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any

from chat.drafts import Draft
from chat.engine import Fingerprint
from chat.models import Answer, Passage, Receipt
from knowledge.passages import Dropped
from phi3site.audit.canonical import canonical_json, sha256
from phi3site.audit.models import AuditEvent

FORMAT = 1
ENDED = "answer.completed"


@dataclass(frozen=True)
class ReceiptCheck:
    """What a verification found; no problems is good."""

    problems: tuple[str, ...] = ()

    @property
    def is_intact(self) -> bool:
        """True when everything agrees."""
        return not self.problems


def build_receipt(draft: Draft, fingerprint: Fingerprint, *, status: str, error: str = "") -> str:
    """The canonical JSON text for an answer that has ended."""
    return canonical_json(
        {
            "format": FORMAT,
            "answer": draft.claim.answer_id,
            "asked": _asked(draft),
            "looked_up": _looked_up(draft),
            "passages": [_passage(passage) for passage in draft.passages],
            "prompt": _prompt(draft),
            "answered_by": _answered_by(draft, fingerprint),
            "output": {
                "status": status,
                "error": error,
                "text": draft.text,
                "sha256": sha256(draft.text),
                "tokens": draft.tokens,
                "stop_reason": draft.stop_reason,
                "is_abstention": draft.is_abstention,
            },
            "citations": [_citation(attribution) for attribution in draft.attributions],
            "timings": draft.timings,
            "attempt": draft.claim.attempt,
            "worker": draft.claim.worker,
        }
    )


def verify_receipt(receipt: Receipt) -> ReceiptCheck:
    """Compares the receipt with its hash, the audit log, the answer and its passages."""
    problems = []
    if sha256(receipt.body) != receipt.sha256:
        problems.append("The receipt's text differs from its hash.")
    event = AuditEvent.objects.filter(seq=receipt.audit_seq).first()
    if event is None or json.loads(event.details).get("receipt") != receipt.sha256:
        problems.append("The audit log holds another hash for this receipt.")
    elif event.target_id != str(receipt.answer_id):
        problems.append("The audit log's event belongs to another answer.")
    try:
        body = json.loads(receipt.body)
        problems += _differences(body, receipt.answer)
    except (ValueError, KeyError, TypeError):
        problems.append("The receipt can't be read.")
    return ReceiptCheck(tuple(problems))


def _differences(body: dict[str, Any], answer: Answer) -> list[str]:
    problems = []
    if body["answer"] != str(answer.pk):
        problems.append("The receipt belongs to another answer.")
    if body["output"]["text"] != answer.text or body["output"]["status"] != answer.status:
        problems.append("The answer's text or state differs from its receipt.")
    if body["asked"]["question"] != answer.question.text:
        problems.append("The question differs from the receipt.")
    kept = {passage["id"]: passage for passage in body["passages"]}
    rows = {str(passage.pk): passage for passage in answer.passages.all()}
    if kept.keys() != rows.keys():
        problems.append("There are other passages than in the receipt.")
    for key in kept.keys() & rows.keys():
        if kept[key]["text"] != rows[key].text or sha256(rows[key].text) != kept[key]["sha256"]:
            problems.append(f"Passage {rows[key].marker} differs from the receipt.")
    return problems


def _asked(draft: Draft) -> dict[str, Any]:
    question = draft.answer.question
    return {
        "by": {"id": draft.asker.pk, "name": draft.asker.get_username()},
        "at": question.asked_at.isoformat(),
        "conversation": question.conversation_id,
        "question": draft.question,
        "query": draft.query,
        "history": list(draft.history),
        "continues": draft.answer.continues_id,
    }


def _looked_up(draft: Draft) -> dict[str, Any]:
    found = draft.found
    return {
        "collections": {str(key): name for key, name in draft.collections.items()},
        "settings": asdict(draft.retrieval),
        "readable_chunks": found.candidates_searched if found else 0,
        "milliseconds": found.timings if found else {},
        "evidence": [asdict(evidence) for evidence in draft.evidence],
        "dropped": [_dropped(dropped) for dropped in found.dropped] if found else [],
        **({"gap": found.gap} if found and found.gap else {}),
    }


def _dropped(dropped: Dropped) -> dict[str, Any]:
    passage = dropped.passage
    return {
        "chunk": passage.chunk_id,
        "document": passage.document_title,
        "version": passage.version_id,
        "page": passage.page,
        "row_from": passage.row_from,
        "row_to": passage.row_to,
        "scores": passage.scores,
        "reason": dropped.reason,
    }


def _passage(passage: Passage) -> dict[str, Any]:
    names = (
        *("id", "marker", "chunk_id", "version_id", "document_id", "collection_id", "kind"),
        *("document_title", "version_number", "file_sha256", "page", "row_from", "row_to"),
        *("headings", "boxes", "scores", "computation", "is_used", "sha256", "text"),
        *("key_start", "key_end"),
    )
    return {name: getattr(passage, name) for name in names}


def _prompt(draft: Draft) -> dict[str, Any] | None:
    if draft.prompt is None:
        return None
    token_ids = list(draft.prompt.token_ids)
    return {
        "messages": [dict(message) for message in draft.prompt.messages],
        "text": draft.prompt.text,
        "tokens": len(token_ids),
        "token_ids_sha256": sha256(canonical_json(token_ids)),
    }


def _answered_by(draft: Draft, fingerprint: Fingerprint) -> dict[str, Any]:
    version, adapter = draft.expert, draft.expert.adapter
    return {
        "engine": asdict(fingerprint),
        "expert": {"version": version.pk, "name": version.expert.name, "number": version.number},
        "adapter": adapter
        and {
            "id": adapter.pk,
            "name": str(adapter),
            "manifest_sha256": sha256(canonical_json(adapter.manifest)),
        },
        "sampling": asdict(draft.sampling),
    }


def _citation(attribution: Any) -> dict[str, Any]:
    return {
        "start": attribution.start,
        "end": attribution.end,
        "marker": attribution.marker,
        "support": attribution.support,
        "verdict": attribution.verdict,
        "passage": list(attribution.passage) if attribution.passage else None,
    }
