"""An answer in the making: everything known so far, and how it is read from the rows.

Each step of answering adds its part; what was known when something went wrong still goes into the
receipt. Knows no engine and no socket.
"""

import re
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from uuid import UUID, uuid4

from chat.adapter_rights import may_be_answered_with
from chat.attachments import NAME
from chat.attribution import Attribution, Source
from chat.engine import Message, Prompt, Sampling
from chat.errors import AnswerFailed
from chat.experts import RetrievalSettings, retrieval_of, sampling_of
from chat.leases import Claim
from chat.models import Answer, Citation, Expert, ExpertVersion, Passage, Question
from chat.quoting import Quote
from chat.relevance import Evidence
from chat.trials import may_try
from knowledge.models import Collection
from knowledge.passages import FoundPassage, Retrieval
from phi3site.audit.canonical import sha256

# Of an earlier answer in the history; more would crowd out the passages.
HISTORY_CHARS = 1200
# An address or markup: a hostile document may carry it word for word, but as the model's own words
# in the history it would stand outside the fence.
ADDRESS = re.compile(r"//\w|\bwww\.|\w@\w|<[a-z/!?]|\]\(|!\[", re.IGNORECASE)


class LeaseLost(Exception):
    """Another attempt holds the answer now; whatever this one has is dropped without a word."""


@dataclass
class Draft:
    """What `answer` knows at each moment."""

    claim: Claim
    answer: Answer
    asker: Any
    question: str
    earlier: str | None
    # What was answered to it.
    said: str
    history: list[Message]
    expert: ExpertVersion
    collections: dict[UUID, str]
    retrieval: RetrievalSettings
    sampling: Sampling
    query: str = ""
    nonce: str = ""
    found: Retrieval | None = None
    evidence: list[Evidence] = field(default_factory=list)
    passages: list[Passage] = field(default_factory=list)
    # What an expert of quotes alone answers with.
    quotes: list[Quote] = field(default_factory=list)
    prompt: Prompt | None = None
    # What an answer that goes on from another begins with.
    opening: str = ""
    text: str = ""
    tokens: int = 0
    stop_reason: str = ""
    is_abstention: bool = False
    attributions: list[Attribution] = field(default_factory=list)
    timings: dict[str, float] = field(default_factory=dict)
    began: float = field(default_factory=monotonic)

    def lap(self, name: str) -> None:
        """Notes the seconds since the answer was claimed."""
        self.timings[name] = round(monotonic() - self.began, 3)

    @property
    def looks_up(self) -> bool:
        """Whether this expert answers from documents."""
        return bool(self.collections)

    @property
    def used(self) -> list[Passage]:
        """Passages in the prompt."""
        return [passage for passage in self.passages if passage.is_used]

    @property
    def sources(self) -> list[Source]:
        """The same for attribution: text, title and headings."""
        return [_source(passage) for passage in self.used]

    @property
    def all_sources(self) -> list[Source]:
        """The same of all that was found."""
        return [_source(passage) for passage in self.passages]


def _source(passage: Passage) -> Source:
    return Source(
        passage.marker, passage.text, " ".join([passage.document_title, *passage.headings])
    )


def load_draft(claim: Claim) -> Draft:
    """Reads what the answer needs; raises LeaseLost, or AnswerFailed when rights were withdrawn."""
    related = ("question__asker", "question__conversation__files", "question__after__question")
    rows = claim.rows().select_related(
        *related, "continues", "expert_version__adapter", "expert_version__expert"
    )
    answer = rows.first()
    if answer is None:
        raise LeaseLost
    question, version = answer.question, answer.expert_version
    waited = (answer.started_at or answer.created_at) - answer.created_at
    draft = Draft(
        claim=claim,
        answer=answer,
        asker=question.asker,
        question=question.text,
        earlier=question.after.question.text if question.after else None,
        said=question.after.text if question.after else "",
        history=[],
        expert=version,
        collections=dict(version.collections.values_list("pk", "name")) | _files_of(question),
        retrieval=retrieval_of(version),
        sampling=sampling_of(version),
        opening=answer.continues.text.rstrip() if answer.continues else "",
        timings={"waited": round(waited.total_seconds(), 3)},
    )
    draft.history = _history(question.after, draft.retrieval.history)
    return draft


def _files_of(question: Question) -> dict[UUID, str]:
    """Where the files that were attached to the conversation are found."""
    files = question.conversation.files
    if files is None or files.state != Collection.State.ACTIVE:
        return {}
    return {files.pk: NAME}


def check_rights(draft: Draft) -> None:
    """The worker acts for the asker: rights that are gone by now end the answer."""
    experts = Expert.objects.visible_to(draft.asker).filter(pk=draft.expert.expert_id)
    allowed = draft.asker.has_perm("chat.ask") and experts.exists()
    if draft.answer.question.conversation.trial_id is not None:
        allowed = allowed and may_try(draft.asker, draft.expert)
    if not allowed or draft.answer.question.conversation.deleted_at is not None:
        raise AnswerFailed("You may not ask this expert any more.", code="refused")
    if not may_be_answered_with(draft.expert.adapter, draft.asker):
        raise AnswerFailed(
            "This expert's adapter was trained on documents that you may not read. Ask its "
            "administrator.",
            code="refused",
        )
    readable = Collection.objects.visible_to(draft.asker).filter(pk__in=draft.collections)
    names = {key: draft.collections[key] for key in readable.values_list("pk", flat=True)}
    if draft.collections and not names:
        is_any_left = Collection.objects.active().filter(pk__in=draft.collections).exists()
        what = "You may not read the" if is_any_left else "Somebody deleted all"
        raise AnswerFailed(
            f"{what} documents of this expert. Ask its administrator.", code="refused"
        )
    # From here on the others don't exist, not even by name.
    draft.collections = names


def freeze_passage(draft: Draft, found: FoundPassage, marker: int) -> Passage:
    """A copy of a found chunk that outlives it."""
    copied = {
        name: getattr(found, name)
        for name in (
            *("chunk_id", "version_id", "document_id", "collection_id", "text", "kind", "page"),
            *("document_title", "version_number", "file_sha256", "media_type"),
            *("row_from", "row_to", "scores", "computation"),
        )
    }
    return Passage(
        id=uuid4(),
        answer=draft.answer,
        marker=marker,
        sha256=sha256(found.text),
        headings=list(found.headings),
        boxes=list(found.boxes),
        is_used=False,
        **copied,
    )


def _history(after: Answer | None, turns: int) -> list[Message]:
    """Earlier questions and what was rightly answered, oldest first."""
    history: list[Message] = []
    while after is not None and len(history) < 2 * turns:
        if said := _rightly_said(after)[:HISTORY_CHARS]:
            asked = Message(role="user", content=after.question.text)
            history = [asked, Message(role="assistant", content=said), *history]
        after = after.question.after
    return history


def _rightly_said(answer: Answer) -> str:
    """The supported sentences; all of them where there was nothing to support them with.

    A model believes what stands in its prompt: what was stopped, ran in circles, failed, or has no
    source must not come back as a fact.
    """
    if answer.status != Answer.Status.COMPLETE or answer.is_abstention:
        return ""
    if answer.stop_reason == "repetition":
        return ""
    if not answer.expert_version.collections.exists():
        return answer.text
    supported = answer.citations.filter(verdict=Citation.Verdict.SUPPORTED)
    spans = sorted(set(supported.values_list("start", "end")))
    said = (answer.text[start:end] for start, end in spans)
    return " ".join(words for words in said if not ADDRESS.search(words))
