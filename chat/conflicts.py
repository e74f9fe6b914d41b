"""Sources of one answer that differ: other figures for the same thing in two documents.

Compares what an answer rests on with the sentences of its other documents. Only like with like:
the same names and sizes, most of the same words, and figures that count the same but share none.
Pure functions; knows no database.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from chat.claims import Claim, claim_of
from chat.sentences import Span, split_sentences

# Common words, and their share of all words of both, from which on two sentences are on one matter.
FEWEST_COMMON, SAME_FROM = 2, 0.5
# "It costs 48 euros" says too little alone.
TERSE = 3
# Passages that are read lately; pages are opened again and again.
REMEMBERED = 256


@dataclass(frozen=True)
class Side:
    """What one document says."""

    marker: int
    title: str
    words: str


@dataclass(frozen=True)
class Conflict:
    """Two documents with other figures for the same thing."""

    one: Side
    other: Side


def find_conflicts(passages: Sequence[Any], told: Iterable[tuple[int, Span]]) -> list[Conflict]:
    """Each pair of documents once; `told` are the places that an answer rests on, by marker.

    Passages have marker, document_id, document_title and text.
    """
    by_marker = {passage.marker: passage for passage in passages}
    found: dict[frozenset[Any], Conflict] = {}
    for marker, span in told:
        own = by_marker.get(marker)
        if own is None or not own.text:
            continue
        for one in _within(own.text, span):
            for other in passages:
                pair = frozenset((own.document_id, other.document_id))
                if len(pair) == 2 and pair not in found and (there := _against(one, other.text)):
                    found[pair] = Conflict(_side(own, one[0]), _side(other, there))
    return list(found.values())


def _side(passage: Any, span: Span) -> Side:
    return Side(passage.marker, passage.document_title, passage.text[span.start : span.end])


def _within(text: str, span: Span) -> Iterator[tuple[Span, Claim]]:
    for own, claim in _counting(text):
        if own.start < span.end and span.start < own.end:
            yield own, claim


def _against(one: tuple[Span, Claim], text: str) -> Span | None:
    return next((span for span, claim in _counting(text) if _differ(one[1], claim)), None)


@lru_cache(maxsize=REMEMBERED)
def _counting(text: str) -> tuple[tuple[Span, Claim], ...]:
    """The sentences of a text that hold figures; terse ones with the words of those before."""
    found: list[tuple[Span, Claim]] = []
    before: Claim | None = None
    for span in split_sentences(text):
        claim = claim_of(text[span.start : span.end])
        told = claim | before if before and len(_matter(claim)) < TERSE else claim
        if claim.figures:
            found.append((span, told))
        before = told
    return tuple(found)


def _matter(claim: Claim) -> frozenset[str]:
    """What the figures are said of: the words without the figures and what they count."""
    return claim.plain_words - {figure.kind for figure in claim.figures}


def _differ(one: Claim, other: Claim) -> bool:
    """Whether two sentences on one matter count the same thing, and no figure agrees."""
    words, others = _matter(one), _matter(other)
    common = len(words & others)
    if common < FEWEST_COMMON or common < SAME_FROM * len(words | others):
        return False
    if not one.names <= other.names | other.words or not other.names <= one.names | one.words:
        return False
    if one.designations != other.designations:
        return False
    mine = {(figure.kind, figure.value) for figure in one.figures}
    theirs = {(figure.kind, figure.value) for figure in other.figures}
    kinds = {kind for kind, _ in mine} & {kind for kind, _ in theirs}
    return bool(kinds) and not mine & theirs
