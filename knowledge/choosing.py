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
_WORD = re.compile(r"\w+")


def choose(
    found: Sequence[FoundPassage], *, limit: int, token_budget: int | None = None
) -> tuple[list[FoundPassage], list[Dropped]]:
    """The passages kept, best first, and the others with the reason: `duplicate`, `budget`,
    `document_cap` or `rank`.

    One document takes at most `limit - 1` places, unless nothing else is there to take them.
    """
    kept: list[FoundPassage] = []
    dropped: list[Dropped] = []
    postponed: list[FoundPassage] = []
    seen: list[frozenset[str]] = []
    per_document: Counter[UUID] = Counter()
    room = token_budget if token_budget is not None else float("inf")
    for passage in found:
        words = frozenset(_WORD.findall(passage.text.lower()))
        if len(kept) >= limit:
            dropped.append(Dropped(passage, "rank"))
        elif any(_likeness(words, other) >= DUPLICATE_FROM for other in seen):
            dropped.append(Dropped(passage, "duplicate"))
        elif per_document[passage.document_id] >= max(1, limit - 1) and limit > 1:
            postponed.append(passage)
        elif passage.tokens > room:
            dropped.append(Dropped(passage, "budget"))
        else:
            kept.append(passage)
            seen.append(words)
            per_document[passage.document_id] += 1
            room -= passage.tokens
    for passage in postponed:
        if len(kept) < limit and passage.tokens <= room:
            kept.append(passage)
            room -= passage.tokens
        else:
            dropped.append(Dropped(passage, "document_cap"))
    return kept, dropped


def _likeness(one: frozenset[str], other: frozenset[str]) -> float:
    """Jaccard index of two sets of words; two empty ones are alike."""
    union = len(one | other)
    return len(one & other) / union if union else 1.0
