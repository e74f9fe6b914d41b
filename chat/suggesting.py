"""What could be asked next, from the documents and tables that an answer rests on.

No model: sections beside the ones that were found, and the figures of tables, in fixed words.
Only documents whose words the reader may see are looked at.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from chat.models import Answer, Passage
from chat.words import content_words
from knowledge.models import Chunk, Table

MOST = 3
# Documents, and chunks of each, that are looked at for one answer.
DOCUMENTS, CHUNKS = 2, 60
LONGEST = 70
FIGURES = ("integer", "decimal")


def suggest(answer: Answer, passages: list[Passage]) -> list[str]:
    """A few questions, none unless the answer ended well; `passages` as the reader sees them."""
    if answer.status != Answer.Status.COMPLETE:
        return []
    shown = {passage.version_id: passage for passage in passages if passage.text}
    versions = list(shown.values())[:DOCUMENTS]
    asked = set(content_words(answer.question.text))
    cited = {citation.passage_id for citation in answer.citations.all()}
    told = {each.headings[-1] for each in passages if each.pk in cited and each.headings}
    return list(islice(_unasked(_all(versions, told), asked), MOST))


def _all(versions: list[Passage], told: set[str]) -> Iterator[str]:
    """First what tables can be asked, then what else the documents tell."""
    tables = Table.objects.filter(version__in=[each.version_id for each in versions])
    for table in tables.filter(is_hidden=False)[:DOCUMENTS]:
        yield from _of_table(table.columns)
    for passage in versions:
        for heading in _headings(passage, told):
            yield f"What does {passage.document_title} say about {heading}?"


def _of_table(columns: list[dict[str, Any]]) -> Iterator[str]:
    labels = [column["name"] for column in columns if column["type"] == "text" and column["name"]]
    figures = [column["name"] for column in columns if column["type"] in FIGURES and column["name"]]
    if labels and figures:
        yield f"Which {labels[0]} has the highest {figures[-1]}?"


def _headings(passage: Passage, told: set[str]) -> Iterator[str]:
    """Sections of the passage's document, those after it first, without what was told."""
    rows = Chunk.objects.filter(version=passage.version_id, is_live=True).exclude(headings=[])
    chunks = list(rows.order_by("ordinal").values_list("pk", "headings")[:CHUNKS])
    at = next((place for place, (key, _) in enumerate(chunks) if key == passage.chunk_id), -1)
    for _key, headings in [*chunks[at + 1 :], *chunks[: at + 1]]:
        if (
            headings[-1] not in told
            and headings[-1].casefold() != passage.document_title.casefold()
        ):
            yield headings[-1].strip(" .:")


def _unasked(questions: Iterable[str], asked: set[str]) -> Iterator[str]:
    """Each once, short, and saying something that was not asked already."""
    known = set[str]()
    for question in questions:
        subject = set(content_words(question.rpartition(" say about ")[2]))
        is_new = question not in known and bool(subject - asked)
        if is_new and len(question) <= LONGEST + len(question.partition(" say about ")[0]):
            known.add(question)
            yield question
