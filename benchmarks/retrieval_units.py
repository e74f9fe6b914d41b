"""From passages found to the units that a folder's questions are judged by.

A unit is a passage, a page of a document, a piece of evidence or a document. Knows no database.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from benchmarks.retrieval_evidence import Place, Stored, first_page, locate
from benchmarks.retrieval_forms import Folder, Question
from benchmarks.retrieval_loading import Loaded
from knowledge.passages import FoundPassage


class Units:
    """What must be found for a question, and the units of found passages."""

    def __init__(
        self, folder: Folder, loaded: Loaded, stored: Mapping[str, Sequence[Stored]]
    ) -> None:
        """`stored` holds the chunks of the documents whose words are evidence."""
        self._documents, self._passages = loaded.documents, loaded.passages
        self._located: dict[Place, list[Stored]] = locate(folder.questions, stored)
        self.lost = [
            place for place, held in self._located.items() if stored.get(place[0]) and not held
        ]
        self.first_page = first_page(folder.questions, self._located)

    def gold(self, question: Question, unit: str) -> dict[Hashable, float]:
        """What answers the question, with its grade; nothing where it isn't known so exactly."""
        units: dict[Hashable, float] = {}
        for number, one in enumerate(question.gold):
            if not one.names(unit) or (unit == "evidence" and (one.name, one.words) in self.lost):
                continue
            if unit == "page":
                units |= {(one.name, page + 1 - self.first_page): one.grade for page in one.pages}
            else:
                units[(one.name, unit, number) if unit == "evidence" else one.name] = one.grade
        return units

    def ranking(
        self, found: Iterable[FoundPassage], question: Question, unit: str
    ) -> list[Hashable]:
        """Units in the order of the passages, each where it comes first."""
        units: dict[Hashable, None] = {}
        for passage in found:
            units |= dict.fromkeys(self._of(passage, question, unit))
        return list(units)

    def _of(self, passage: FoundPassage, question: Question, unit: str) -> Iterator[Hashable]:
        document = self._documents[passage.document_id]
        if unit == "passage":
            yield self._passages.get(passage.chunk_id, document)
        elif unit == "page":
            yield from ((document, page) for page in pages_of(passage))
        elif unit == "evidence":
            held: list[Hashable] = [
                (one.name, unit, number)
                for number, one in enumerate(question.gold)
                if any(
                    chunk.id == passage.chunk_id
                    for chunk in self._located.get((one.name, one.words), ())
                )
            ]
            yield from held or [passage.chunk_id]
        else:
            yield document


def pages_of(passage: FoundPassage) -> list[int]:
    """Every page that the passage stands on, in order."""
    places: Iterable[Mapping[str, Any]] = passage.boxes
    pages = [passage.page, *(box["page"] for box in places)]
    return sorted({page for page in pages if page})
