"""What was found for a question, as its receipt tells it: seen by the model, or left out and why.

Reads the receipt's content alone; knows no row and no page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

RANKINGS = ("dense", "keyword", "fused", "reranked")
IN_THE_PROMPT, NOT_IN_THE_PROMPT = "in_the_prompt", "not_in_the_prompt"
# Why something was left out, most telling first; receipts keep the short names.
REASONS = {
    NOT_IN_THE_PROMPT: "found, but not used",
    "budget": "no room within the tokens for passages",
    "document_cap": "its document had its share already",
    "duplicate": "says the same as a passage before it",
    "summary": "sums up a whole document; the question is on its details",
    "rank": "ranked lower",
}


@dataclass(frozen=True)
class Candidate:
    """Something that was found for the question, and what became of it."""

    title: str
    page: int | None
    rows: tuple[int, int] | None
    # Its place and score in each ranking that took part, in their order.
    scores: list[dict[str, Any] | None]
    outcome: str
    marker: int | None = None
    passage_id: str = ""
    version_number: int | None = None
    text: str = ""
    # How it was computed from a table; None for what was found.
    computation: dict[str, Any] | None = None

    @property
    def is_kept(self) -> bool:
        """Whether the model saw it."""
        return self.outcome == IN_THE_PROMPT

    @property
    def reason(self) -> str:
        """Why it was left out, in words."""
        return REASONS.get(self.outcome, self.outcome.replace("_", " "))


@dataclass(frozen=True)
class LeftOut:
    """All that was left out for one reason."""

    reason: str
    candidates: list[Candidate]


@dataclass(frozen=True)
class Candidates:
    """Everything that was found for one question, best first."""

    kept: Sequence[Candidate] = ()
    left_out: Sequence[LeftOut] = ()
    # The rankings that took part; a column of nothing tells nothing.
    rankings: Sequence[str] = ()

    @property
    def left_out_count(self) -> int:
        """How many were left out for any reason."""
        return sum(len(group.candidates) for group in self.left_out)


def read_candidates(told: dict[str, Any]) -> Candidates:
    """Raises KeyError, TypeError and the like when the receipt is not as it was written."""
    passages, dropped = told.get("passages", ()), told.get("looked_up", {}).get("dropped", ())
    taking_part = {name for each in (*passages, *dropped) for name in each["scores"]}
    rankings = [name for name in RANKINGS if name in taking_part]
    found = [
        *(_passage(passage, rankings) for passage in passages),
        *(_dropped(other, rankings) for other in dropped),
    ]
    order = {outcome: place for place, outcome in enumerate(REASONS)}
    others = sorted(
        (each for each in found if not each.is_kept),
        key=lambda each: (order.get(each.outcome, len(order)), each.outcome),
    )
    return Candidates(
        kept=[each for each in found if each.is_kept],
        left_out=[
            LeftOut(reason, list(group)) for reason, group in groupby(others, lambda c: c.reason)
        ],
        rankings=rankings,
    )


def _passage(passage: dict[str, Any], rankings: list[str]) -> Candidate:
    return Candidate(
        title=passage["document_title"],
        page=passage["page"],
        rows=_rows(passage),
        scores=[passage["scores"].get(name) for name in rankings],
        outcome=IN_THE_PROMPT if passage["is_used"] else NOT_IN_THE_PROMPT,
        marker=passage["marker"],
        passage_id=passage["id"],
        version_number=passage["version_number"],
        text=passage["text"],
        computation=passage.get("computation"),
    )


def _dropped(dropped: dict[str, Any], rankings: list[str]) -> Candidate:
    return Candidate(
        title=dropped["document"],
        page=dropped["page"],
        rows=_rows(dropped),
        scores=[dropped["scores"].get(name) for name in rankings],
        outcome=str(dropped["reason"]),
    )


def _rows(found: dict[str, Any]) -> tuple[int, int] | None:
    """First and last row of a table passage; old receipts don't tell them of what was dropped."""
    first, last = found.get("row_from"), found.get("row_to")
    return (first, last or first) if first else None
