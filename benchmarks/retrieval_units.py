"""From passages found to the units that a folder's questions are judged by.

A unit is a passage, a page of a document, a piece of evidence or a document. Knows no database.
"""

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from benchmarks.retrieval_forms import Folder, Question
from benchmarks.retrieval_loading import Loaded
from knowledge.passages import FoundPassage

# Share of an evidence's words (or of the passage's, if it is shorter) in their order from which
# the passage holds it.
HOLDS_FROM = 0.6
_WORD = re.compile(r"\w+")


def gold_units(folder: Folder, question: Question) -> dict[Hashable, float]:
    """What must be found for a question, with its grade."""
    units: dict[Hashable, float] = {}
    for number, one in enumerate(question.gold):
        if folder.unit == "page":
            units |= {(one.name, page): one.grade for page in one.pages}
        elif folder.unit == "evidence":
            units[(one.name, "evidence", number)] = one.grade
        else:
            units[one.name] = one.grade
    return units


class Units:
    """The units of found passages, each where it comes first."""

    def __init__(self, folder: Folder, loaded: Loaded) -> None:
        self.unit = folder.unit
        self._documents, self._passages = loaded.documents, loaded.passages

    def ranking(self, found: Iterable[FoundPassage], question: Question) -> list[Hashable]:
        """Units in the order of the passages."""
        evidence = [
            (one.name, number, _grams(one.words)) for number, one in enumerate(question.gold)
        ]
        units: dict[Hashable, None] = {}
        for passage in found:
            units |= dict.fromkeys(self._of(passage, evidence))
        return list(units)

    def _of(
        self, passage: FoundPassage, evidence: Sequence[tuple[str, int, frozenset[str]]]
    ) -> Iterator[Hashable]:
        document = self._documents[passage.document_id]
        if self.unit == "passage":
            yield self._passages.get(passage.chunk_id, document)
        elif self.unit == "page":
            yield from ((document, page) for page in pages_of(passage))
        elif self.unit == "evidence":
            grams = _grams(passage.text)
            held: list[Hashable] = [
                (name, "evidence", number)
                for name, number, wanted in evidence
                if name == document and _holds(grams, wanted)
            ]
            yield from held or [passage.chunk_id]
        else:
            yield document


def pages_of(passage: FoundPassage) -> list[int]:
    """Every page that the passage stands on, in order."""
    places: Iterable[Mapping[str, Any]] = passage.boxes
    pages = [passage.page, *(box["page"] for box in places)]
    return sorted({page for page in pages if page})


def _holds(passage: frozenset[str], evidence: frozenset[str]) -> bool:
    shorter = min(len(passage), len(evidence))
    return bool(shorter) and len(passage & evidence) >= HOLDS_FROM * shorter


def _grams(text: str) -> frozenset[str]:
    """Neighbouring words in threes: as good as the order of the words."""
    words = _WORD.findall(text.casefold())
    if len(words) < 3:
        return frozenset(words)
    return frozenset(" ".join(words[at : at + 3]) for at in range(len(words) - 2))
