"""Where the words of an evidence stand in a file as it was read: in which chunks, on which pages.

Evidence is seldom quoted letter by letter: where its words are not found in their order, the
chunks that share most of them hold it. Pure functions; knows no database.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from benchmarks.retrieval_forms import Question

# Share of an evidence's words (or of the chunk's, if it is shorter) in their order from which
# the chunk holds it.
HOLDS_FROM = 0.6
# The same in any order; of several the chunks that hold nearly as much as the best one.
SHARES_FROM = 0.6
NEARLY = 0.9
_WORD = re.compile(r"\w+")
Place = tuple[str, str]


@dataclass(frozen=True)
class Stored:
    """A chunk as it was stored."""

    id: UUID
    text: str
    pages: tuple[int, ...]


def locate(
    questions: Sequence[Question], stored: Mapping[str, Sequence[Stored]]
) -> dict[Place, list[Stored]]:
    """Document and words of each evidence -> the chunks that hold it, maybe none."""
    wanted = {(one.name, one.words) for q in questions for one in q.gold if one.words}
    return {(name, words): holding(words, stored.get(name, ())) for name, words in wanted}


def holding(words: str, chunks: Sequence[Stored]) -> list[Stored]:
    """The chunks in which the evidence stands."""
    wanted = _grams(words)
    found = [chunk for chunk in chunks if _holds(_grams(chunk.text), wanted)]
    if found:
        return found
    content = {word for word in _words(words) if len(word) > 2 or word.isdigit()}
    shares = [len(content & set(_words(chunk.text))) / max(1, len(content)) for chunk in chunks]
    best = max(shares, default=0.0)
    if best < SHARES_FROM:
        return []
    pairs = zip(chunks, shares, strict=True)
    return [chunk for chunk, share in pairs if share >= NEARLY * best]


def first_page(questions: Sequence[Question], located: Mapping[Place, Sequence[Stored]]) -> int:
    """The number that the questions give to a file's first page: some count from 0."""
    votes = 0
    for one in (gold for question in questions for gold in question.gold):
        if 0 in one.pages:
            return 0
        standing = {
            page for chunk in located.get((one.name, one.words), ()) for page in chunk.pages
        }
        votes += bool(standing & set(one.pages))
        votes -= bool(standing & {page + 1 for page in one.pages})
    return 1 if votes >= 0 else 0


def _holds(chunk: frozenset[str], evidence: frozenset[str]) -> bool:
    shorter = min(len(chunk), len(evidence))
    return bool(shorter) and len(chunk & evidence) >= HOLDS_FROM * shorter


def _words(text: str) -> list[str]:
    """In one case, without accents."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return _WORD.findall("".join(char for char in plain if not unicodedata.combining(char)))


def _grams(text: str) -> frozenset[str]:
    """Neighbouring words in threes: as good as the order of the words."""
    words = _words(text)
    if len(words) < 3:
        return frozenset(words)
    return frozenset(" ".join(words[at : at + 3]) for at in range(len(words) - 2))
