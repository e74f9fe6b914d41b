"""What the API takes and gives for datasets and runs."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import Field


class DatasetOut(Schema):
    """A dataset with its report."""

    id: UUID
    name: str
    version: int
    filename: str
    sha256: str
    origin: str
    status: str
    error: str
    report: dict[str, Any]
    created_at: datetime


class QuestionsIn(Schema):
    """Questions that something is measured with."""

    questions: list[Annotated[str, Field(max_length=10_000)]] = Field(max_length=10_000)


class LeakOut(Schema):
    """An example that asks nearly what a question asks."""

    line: int
    question: str
    asked: str


class FeedbackSetIn(Schema):
    """A dataset of what people approved and corrected."""

    name: str = Field(min_length=1, max_length=120)


class DocumentsIn(Schema):
    """What a dataset is made of, and how."""

    name: str = Field(min_length=1, max_length=120)
    collections: list[UUID] = Field(min_length=1, max_length=1000)
    documents: list[UUID] = Field([], max_length=10_000)
    limit: int = Field(300, ge=1, le=5_000)
    distractors: int = Field(3, ge=0, le=8)
    unanswerable: int = Field(15, ge=0, le=50)


class ReviewIn(Schema):
    """A decision; without lines it is about all that wait."""

    decision: Literal["accepted", "rejected"]
    lines: list[int] | None = Field(None, max_length=100_000)


class WordsIn(Schema):
    """Other words for each turn of an example, in their order."""

    contents: list[Annotated[str, Field(max_length=1_000_000)]]


class ExampleOut(Schema):
    """An example, what became of it, and what it was made of."""

    line: int
    messages: list[dict[str, str]]
    split: str
    state: str
    source: str
    tokens: int | None
    near: int | None
    origin: dict[str, Any]
    decided_at: datetime | None


class RunIn(Schema):
    """A run to start; `recipe` overrides single values of the preset."""

    dataset: UUID
    name: str = Field(min_length=1, max_length=120)
    preset: str = "standard"
    recipe: dict[str, Any] = {}
    # Sent again, the same id is the same run.
    id: UUID | None = None


class RunOut(Schema):
    """A run and how far it is."""

    id: UUID
    name: str
    dataset_id: UUID
    recipe: dict[str, Any]
    base_model: str
    status: str
    attempt: int
    step: int
    total_steps: int
    cancel_requested: bool
    facts: dict[str, Any]
    error: str
    error_code: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class PointOut(Schema):
    """Figures of one step."""

    step: int
    kind: str
    values: dict[str, float]
