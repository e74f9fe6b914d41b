"""What the API takes and gives about experts, conversations and answers."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from ninja import Field, Schema

from chat.models import Expert


class ExpertOut(Schema):
    """An expert that you may ask."""

    id: UUID
    name: str
    description: str
    examples: list[str]
    # Answers with sentences of the documents alone.
    is_quoting: bool = False

    @staticmethod
    def resolve_is_quoting(expert: Expert) -> bool:
        """As its live version has it."""
        return expert.live_version is not None and expert.live_version.is_quoting


class ConversationOut(Schema):
    """One of your conversations."""

    id: UUID
    title: str
    is_pinned: bool
    labels: list[str]
    archived_at: datetime | None
    created_at: datetime
    updated_at: datetime


class ConversationIn(Schema):
    """What may be changed of a conversation; what is left out stays."""

    title: str | None = None
    is_pinned: bool | None = None
    is_archived: bool | None = None
    labels: list[str] | None = None


class SnippetOut(Schema):
    """A place where the words stand, with `<mark>` around them in otherwise escaped HTML."""

    part: UUID
    is_answer: bool
    html: str
    at: datetime


class HitOut(Schema):
    """A conversation that was found."""

    conversation: ConversationOut
    at: datetime
    snippets: list[SnippetOut]


class QuestionOut(Schema):
    """A question with the ids of its answers, oldest first."""

    id: UUID
    text: str
    asked_at: datetime
    # The answer that it follows; questions that follow the same one are versions of each other.
    after: UUID | None = Field(None, alias="after_id")
    answers: list[UUID]

    @staticmethod
    def resolve_answers(question: object) -> list[UUID]:
        """Ids of the prefetched answers."""
        return [answer.pk for answer in question.answers.all()]  # type: ignore[attr-defined]


class ConversationDetail(ConversationOut):
    """A conversation with its questions, oldest first."""

    questions: list[QuestionOut]
    # The answer at the end of the branch that is shown.
    shown: UUID | None = Field(None, alias="shown_id")


class AskIn(Schema):
    """A question; the same client id again is the same question."""

    client_id: UUID
    expert: UUID
    question: str
    conversation: UUID | None = None
    # The answer that it follows; without it, the end of the branch that is shown.
    after: UUID | None = None
    # The question that it takes the place of, on a branch of its own.
    edits: UUID | None = None


class AskedOut(Schema):
    """Where the answer will be."""

    conversation: UUID
    question: UUID
    answer: UUID


class PassageOut(Schema):
    """A source; without words when you may not read its document any more."""

    id: UUID
    marker: int
    document_title: str
    version_number: int
    page: int | None
    text: str
    is_used: bool


class CitationOut(Schema):
    """A sentence of the text, as characters, and the source it rests on."""

    start: int
    end: int
    verdict: str
    support: float
    passage: UUID | None = Field(None, alias="passage_id")


class AnswerOut(Schema):
    """An answer in any state."""

    id: UUID
    status: str
    text: str
    is_abstention: bool
    error_code: str
    error: str
    stop_reason: str
    timings: dict[str, float]
    created_at: datetime
    finished_at: datetime | None
    passages: list[PassageOut]
    citations: list[CitationOut]


class FeedbackIn(Schema):
    """What you think of an answer."""

    thumb: Literal["up", "down"]
    # Of a thumb down: wrong, incomplete, source, outdated, off_topic or unclear.
    reason: Literal["", "wrong", "incomplete", "source", "outdated", "off_topic", "unclear"] = ""
    comment: str = Field("", max_length=4000)
    corrected_answer: str = Field("", max_length=20_000)


class FeedbackOut(FeedbackIn):
    """As it is stored now."""


class ShareOut(Schema):
    """A snapshot that colleagues can read."""

    id: UUID
    title: str
    conversation: UUID = Field(alias="conversation_id")
    address: str = Field(alias="get_absolute_url")
    answers: list[UUID]
    created_at: datetime


class AttachmentOut(Schema):
    """A file of a conversation; questions find it once its status is `ready`."""

    id: UUID
    title: str
    version: UUID
    status: str
    error: str
