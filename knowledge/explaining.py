"""What a search made of a question, for the curator who tries it out: every list, and why not.

Runs where the encoder is loaded, and writes down ids, places and scores only: the words are read
when the result is shown, by the rights that the curator has then.
"""

import logging
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.dateparse import parse_date

from knowledge import retrieval
from knowledge.absence import why_absent
from knowledge.errors import KnowledgeError
from knowledge.models import Collection, Document, SearchTest
from knowledge.passages import FoundPassage, Retrieval

Status = SearchTest.Status
CANDIDATES = 50

logger = logging.getLogger(__name__)


def run_tests() -> None:
    """All that wait; between the batches of a large file, too."""
    for pk in SearchTest.objects.filter(status=Status.WAITING).values_list("pk", flat=True)[:5]:
        run_test(pk)


def run_test(test_id: UUID) -> None:
    """Searches as the chosen person, within what the curator may read; safe to run twice."""
    test = SearchTest.objects.filter(pk=test_id, status=Status.WAITING).first()
    if test is None:
        return
    values: dict[str, Any]
    try:
        if not SearchTest.objects.visible_to(test.owner).filter(pk=test.pk).exists():
            raise KnowledgeError("You may not test the search any more.", code="forbidden")
        values = {"status": Status.FINISHED, "result": _explained(test)}
    except KnowledgeError as error:
        values = {"status": Status.FAILED, "error": error.message}
    except Exception:
        logger.exception("search test %s failed", test.pk)
        values = {"status": Status.FAILED, "error": "The search broke. The log says more."}
    SearchTest.objects.filter(pk=test.pk, status=Status.WAITING).update(**values)


def _explained(test: SearchTest) -> dict[str, Any]:
    """Everything about one search, as JSON."""
    options = test.options
    readable = Collection.objects.visible_to(test.owner)
    if chosen := options.get("collections"):
        readable = readable.filter(pk__in=chosen)
    collections = list(readable.values_list("pk", flat=True))
    found = retrieval.retrieve(
        test.question,
        user=test.person,
        collections=collections,
        limit=options.get("limit", 4),
        candidates=CANDIDATES,
        token_budget=options.get("token_budget"),
        as_of=parse_date(options.get("as_of") or ""),
    )
    day = found.as_of or timezone.localdate()
    outcomes = _outcomes(found)
    return {
        "query": found.query,
        "timings": found.timings,
        "searched": found.candidates_searched,
        "gap": found.gap,
        "as_of": day.isoformat(),
        "lists": _lists(found),
        "outcomes": outcomes,
        "absence": _absence(test, found, outcomes, collections),
    }


def _outcomes(found: Retrieval) -> dict[str, str]:
    """Chunk -> `kept`, or the reason why it was dropped."""
    dropped = {str(one.passage.chunk_id): one.reason for one in found.dropped}
    return dropped | {str(passage.chunk_id): "kept" for passage in found.passages}


def _lists(found: Retrieval) -> dict[str, list[list[Any]]]:
    """Ranking -> [chunk, rank, score], best first; the last one is the order of choice."""
    seen = {p.chunk_id: p for p in [*found.ranked, *(one.passage for one in found.dropped)]}
    lists = {name: _ranking(list(seen.values()), name) for name in ("dense", "keyword", "fused")}
    is_reranked = any("reranked" in passage.scores for passage in found.ranked)
    last = "reranked" if is_reranked else "fused"
    lists["final"] = [
        [str(passage.chunk_id), place, passage.scores.get(last, {"score": None})["score"]]
        for place, passage in enumerate(found.ranked, start=1)
    ]
    return lists


def _ranking(passages: list[FoundPassage], name: str) -> list[list[Any]]:
    rows = [
        [str(passage.chunk_id), score["rank"], score["score"]]
        for passage in passages
        if (score := passage.scores.get(name)) and score["rank"]
    ]
    return sorted(rows, key=lambda row: row[1])


def _absence(
    test: SearchTest, found: Retrieval, outcomes: dict[str, str], collections: list[UUID]
) -> dict[str, Any] | None:
    """Why what was asked for is not among the passages; None when nothing was asked for."""
    document = Document.objects.manageable_by(test.owner)
    wanted = document.filter(pk=test.options.get("document")).first()
    if wanted is None:
        return None
    return why_absent(
        wanted,
        chunk_id=test.options.get("chunk"),
        person=User.objects.get(pk=test.person_id),
        collections=collections,
        found=found,
        outcomes=outcomes,
    )
