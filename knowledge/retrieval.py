"""★ A question finds its passages: embed → search and fuse → rerank → choose.

Knows no answer and no prompt. What a person may not read is never a candidate: see searching.
"""

import json
import re
from collections.abc import Iterable
from datetime import date
from time import perf_counter
from typing import Any
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.utils import timezone

from knowledge import embedding, reranking
from knowledge.choosing import choose
from knowledge.days import named_day
from knowledge.exact.answering import compute
from knowledge.levels import both_levels
from knowledge.models import Collection, DocumentVersion
from knowledge.naming import named_first
from knowledge.neighbours import with_neighbours
from knowledge.passages import Dropped, FoundPassage, Retrieval, Score
from knowledge.registry import row_of
from knowledge.searching import Searched, search

# A part or form number: letters and digits in one word, such as KX-117 or E22.
DESIGNATION = re.compile(r"(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[A-Za-z])\w+(?:-\w+)*(?![\w-])")
# Among the candidates; what stands in more of them tells nothing apart.
RARE = 5
# Candidates that a reranker reads: its time grows with each.
RERANKED = 50

__all__ = ["Dropped", "FoundPassage", "Retrieval", "Score", "retrieve"]


def retrieve(
    question: str,
    *,
    user: Any,
    collections: Iterable[UUID] | None,
    limit: int = 4,
    candidates: int = 50,
    token_budget: int | None = None,
    as_of: date | None = None,
    is_reranked: bool = True,
) -> Retrieval:
    """The `limit` best passages for a question among what the person may read.

    `collections` narrows the search to those ids; None is all that the person may read, an empty
    list is nothing. `token_budget` bounds the passages' tokens, counted by the encoder. Only what
    is in force on the day `as_of` answers; by default the day that the question names, else today.
    Where there is a reranker, `is_reranked` lets it decide the order.
    """
    clock = _Clock()
    query = " ".join(question.replace("\0", " ").split())
    allowed = Collection.objects.visible_to(user)
    if collections is not None:
        allowed = allowed.filter(pk__in=list(collections))
    encoder = embedding.get_encoder()
    encoder_row = row_of(encoder)
    vector = encoder.encode_query(query)
    day = as_of or named_day(query) or timezone.localdate()
    clock.lap("embed")
    try:
        searched = search(
            query,
            vector,
            allowed=allowed,
            hidden=DocumentVersion.objects.hidden_from(user, on=day),
            encoder=encoder_row,
            limit=candidates,
        )
    except EmptyResultSet:
        searched = Searched(0, [])
    clock.lap("search")
    named = named_first(query, [_passage(row, encoder_row.scale) for row in searched.rows])
    found, summaries = both_levels(query, named)
    found = name_first(query, found)
    if is_reranked:
        found = _rerank(query, found)
    clock.lap("rerank")
    computed = compute(query, named, user=user)
    clock.lap("compute")
    kept, dropped = choose(found, limit=limit, token_budget=token_budget)
    kept = with_neighbours(kept, token_budget=token_budget)
    kept = [computed, *kept[: limit - 1]] if computed else kept
    clock.lap("choose")
    dropped += summaries
    count, gap = searched.chunks, searched.gap
    return Retrieval(kept, query, clock.laps, count, dropped, as_of=day, ranked=found, gap=gap)


def _passage(row: dict[str, Any], scale: tuple[float, float]) -> FoundPassage:
    """A row of the search as a passage; rankings that it is not part of are left out."""
    scores: dict[str, Score] = {}
    dense, keyword = row.pop("dense_score"), row.pop("keyword_score")
    dense_rank, keyword_rank = row.pop("dense_rank"), row.pop("keyword_rank")
    if dense is not None:
        scores["dense"] = {"rank": dense_rank, "score": float(dense)}
    if keyword is not None:
        scores["keyword"] = {"rank": keyword_rank, "score": float(keyword)}
    scores["fused"] = {"rank": row.pop("fused_rank"), "score": row.pop("fused_score")}
    # Django leaves jsonb of raw SQL as text.
    headings, boxes = tuple(row.pop("headings")), tuple(json.loads(row.pop("boxes")))
    return FoundPassage(**row, headings=headings, boxes=boxes, scores=scores, scale=scale)


def name_first(query: str, found: list[FoundPassage]) -> list[FoundPassage]:
    """The candidates with the passages first that hold a rare designation of the query.

    An encoder hardly tells KX-117 from KX-120, and fusion then hides the row that was asked for.
    """
    rare: set[str] = set()
    held = [frozenset(map(str.lower, DESIGNATION.findall(p.context_text))) for p in found]
    for name in set(map(str.lower, DESIGNATION.findall(query))):
        if 0 < sum(name in names for names in held) <= RARE:
            rare.add(name)
    order = sorted(range(len(found)), key=lambda index: (-len(rare & held[index]), index))
    return [found[index] for index in order]


def _rerank(query: str, found: list[FoundPassage]) -> list[FoundPassage]:
    """The candidates in the reranker's order, or as they are when there is none."""
    reranker = reranking.get_reranker()
    if reranker is None or not found:
        return found
    first, rest = found[:RERANKED], found[RERANKED:]
    scores = reranker.score(query, [passage.context_text for passage in first])
    order = sorted(range(len(first)), key=lambda index: (-scores[index], index))
    for rank, index in enumerate(order, start=1):
        first[index].scores["reranked"] = {"rank": rank, "score": float(scores[index])}
    return [first[index] for index in order] + rest


class _Clock:
    """Milliseconds of each step."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = perf_counter()

    def lap(self, name: str) -> None:
        now = perf_counter()
        self.laps[name] = round((now - self._last) * 1000, 2)
        self._last = now
