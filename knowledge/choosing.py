"""From ranked candidates to the few that are worth a place in the prompt; pure functions.

Leaves out near-duplicates, too many of one document, and what the token budget can't hold; says
why for each. Knows no database and no model.
"""

import re
from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from knowledge.passages import Dropped, FoundPassage

# Share of common words from which on a passage adds nothing to another.
DUPLICATE_FROM = 0.9
# Another document gets a place only for a passage that scores at least this share of the one
# that it keeps out.
CLOSE_ENOUGH = 0.6
_WORD = re.compile(r"\w+")


def choose(
    found: Sequence[FoundPassage], *, limit: int, token_budget: int | None = None
) -> tuple[list[FoundPassage], list[Dropped]]:
    """The passages kept, best first, and the others with the reason: `duplicate`, `budget`,
    `document_cap` or `rank`.

    One document takes at most `limit - 1` places, unless all others are far behind it.
    """
    choice = _Choice(limit, float("inf") if token_budget is None else token_budget)
    for passage in found:
        choice.consider(passage)
    choice.settle("document_cap")
    order = {id(passage): place for place, passage in enumerate(found)}
    return sorted(choice.kept, key=lambda one: order[id(one)]), choice.dropped


class _Choice:
    """What is kept so far, and what waits because its document has had its share."""

    def __init__(self, limit: int, room: float) -> None:
        self.limit, self.room = limit, room
        self.kept: list[FoundPassage] = []
        self.dropped: list[Dropped] = []
        self._waiting: list[FoundPassage] = []
        self._words: list[frozenset[str]] = []
        self._per_document: Counter[UUID] = Counter()

    def consider(self, passage: FoundPassage) -> None:
        """Keeps the passage, drops it, or lets it wait."""
        if self._waiting and _score(passage) < CLOSE_ENOUGH * _score(self._waiting[0]):
            self.settle("rank")
        words = frozenset(_WORD.findall(passage.text.lower()))
        if len(self.kept) >= self.limit:
            self.dropped.append(Dropped(passage, "rank"))
        elif any(_likeness(words, other) >= DUPLICATE_FROM for other in self._words):
            self.dropped.append(Dropped(passage, "duplicate"))
        else:
            self._words.append(words)
            if self._per_document[passage.document_id] >= max(1, self.limit - 1):
                self._waiting.append(passage)
            else:
                self._keep(passage, "budget")

    def settle(self, reason: str) -> None:
        """Gives the free places to those that wait; the rest is dropped."""
        for passage in self._waiting:
            self._keep(passage, reason)
        self._waiting = []

    def _keep(self, passage: FoundPassage, reason: str) -> None:
        if len(self.kept) < self.limit and passage.tokens <= self.room:
            self.kept.append(passage)
            self._per_document[passage.document_id] += 1
            self.room -= passage.tokens
        else:
            self.dropped.append(Dropped(passage, reason))


def _score(passage: FoundPassage) -> float:
    """The fused score: the one that every candidate has."""
    return passage.scores["fused"]["score"] if "fused" in passage.scores else 0.0


def _likeness(one: frozenset[str], other: frozenset[str]) -> float:
    """Jaccard index of two sets of words; two empty ones are alike."""
    union = len(one | other)
    return len(one & other) / union if union else 1.0
