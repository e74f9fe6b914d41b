"""What retrieval hands over: passages with their scores, frozen. Knows no database."""

from dataclasses import dataclass, field
from datetime import date
from typing import TypedDict
from uuid import UUID


class Score(TypedDict):
    """A place in one ranking; no rank when the score was computed but the ranking left it out."""

    rank: int | None
    score: float


class Box(TypedDict):
    """An area of a page: edges left, top, right, bottom as shares 0..1."""

    page: int
    box: list[float]


class Computation(TypedDict):
    """How a result was computed from a table: what an answer's evidence shows."""

    # The whole result in one sentence, as it stands at the head of the passage.
    sentence: str
    # The name of the table.
    name: str
    # In words, and as the SQL that was run.
    plan: str
    kind: str
    sql: str
    result: list[str]
    # The table's place in its file, its columns, and the first rows that the result rests on, each
    # with its number in front; then the numbers of more of them.
    table: int
    columns: list[str]
    rows: list[list[int | str]]
    numbers: list[int]


@dataclass(frozen=True)
class FoundPassage:
    """A chunk as retrieved for one question, or what was computed from a table for it."""

    chunk_id: UUID
    version_id: UUID
    document_id: UUID
    collection_id: UUID
    text: str
    # Title, headings and text together: what was searched.
    context_text: str
    sha256: str
    kind: str
    document_title: str
    version_number: int
    file_sha256: str
    media_type: str
    headings: tuple[str, ...]
    page: int | None
    row_from: int | None
    row_to: int | None
    boxes: tuple[Box, ...]
    tokens: int
    # "dense" (cosine), "keyword", "fused" and, with a reranker, "reranked".
    scores: dict[str, Score]
    # Offset and factor from a cosine of the encoder to a likeness: see `Encoder.scale`.
    scale: tuple[float, float] = (0.0, 1.0)
    # Only of kind "computed".
    computation: Computation | None = None

    @property
    def cosine(self) -> float:
        """Of question and passage by the encoder, -1..1; each encoder has its own usual ones."""
        return self.scores["dense"]["score"] if "dense" in self.scores else 0.0

    @property
    def likeness(self) -> float:
        """The same as every encoder means it; what abstention looks at."""
        return self.scale[0] + self.scale[1] * self.cosine if "dense" in self.scores else 0.0


@dataclass(frozen=True)
class Dropped:
    """A candidate that was not kept, and why: duplicate, document_cap, budget, rank or summary."""

    passage: FoundPassage
    reason: str


@dataclass(frozen=True)
class Retrieval:
    """What was found for a query."""

    passages: list[FoundPassage]
    query: str
    # Step -> milliseconds.
    timings: dict[str, float]
    # Chunks that the person may read in the chosen collections; counted up to 25,001.
    candidates_searched: int
    dropped: list[Dropped] = field(default_factory=list)
    # The day on which what was searched is in force.
    as_of: date | None = None
    # All that passages were chosen from, in that order.
    ranked: list[FoundPassage] = field(default_factory=list)
    # Why the search did less than it should, for people; empty when it did all.
    gap: str = ""
