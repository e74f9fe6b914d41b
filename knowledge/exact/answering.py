"""★ A question → an exact answer from one table: plan it, run it, say how; or nothing.

Knows tables and rights; no prompt and no model.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from knowledge.exact.deciding import is_certain
from knowledge.exact.planning import plan_for
from knowledge.exact.plans import Plan, in_words
from knowledge.exact.reading import Reading, read_question
from knowledge.exact.running import Outcome, PlanNotRun, run
from knowledge.exact.views import TableView, view_of
from knowledge.exact.words import stems
from knowledge.models import Chunk, DocumentVersion, Table, TableRow
from knowledge.passages import Computation, FoundPassage
from knowledge.tables.values import number_of

# Tables that are asked, nearest first; each costs some milliseconds.
MOST_TABLES = 6
# Rows that stand beside the result, and characters of each.
SHOWN_ROWS, SHOWN_CHARACTERS = 5, 300
DIGITS = 6


@dataclass(frozen=True)
class Answered:
    """One table's certain answer."""

    reading: Reading
    plan: Plan
    outcome: Outcome

    @property
    def view(self) -> TableView:
        """The table as planning sees it."""
        return self.reading.view

    @property
    def values(self) -> list[str]:
        """The result as people write it."""
        return [_written(value) for row in self.outcome.values for value in row]

    @property
    def words(self) -> str:
        """The plan in words."""
        return in_words(self.plan, [column.name for column in self.view.columns])


def ask_table(question: str, table: Table) -> Answered | None:
    """What the table says to the question, when question and answer are both certain."""
    reading = read_question(question, view_of(table, question))
    plan = plan_for(reading)
    if plan is None:
        return None
    try:
        outcome = run(plan, reading.view)
    except PlanNotRun:
        return None
    is_sure = is_certain(plan, outcome, is_clear=_is_clear(reading))
    return Answered(reading, plan, outcome) if is_sure else None


def compute(question: str, found: Sequence[FoundPassage], *, user: Any) -> FoundPassage | None:
    """A passage with the one answer that the tables near the question give.

    The tables are those of the passages that were found, so nothing is asked that the person may
    not read; their right to each is checked again here.
    """
    answers = [
        answered
        for table in _tables_near(question, found, user)
        if (answered := ask_table(question, table)) and _is_about(answered)
    ]
    named = [len(answered.view.name & answered.view.asked) for answered in answers]
    # The table that the question names stands before those that merely could answer, too.
    best = [one for one, words in zip(answers, named, strict=True) if words == max(named)]
    if not best or len({_compared(one.values) for one in best}) > 1:
        return None
    return _passage(best[0])


def _tables_near(question: str, found: Iterable[FoundPassage], user: Any) -> list[Table]:
    """Tables of the found passages: first those that the question names, then as found."""
    versions: dict[UUID, None] = {}
    for passage in found:
        if passage.kind in ("row", "rows", "summary"):
            versions.setdefault(passage.version_id)
    near = list(versions)
    readable = DocumentVersion.objects.visible_to(user).filter(pk__in=near)
    tables = Table.objects.filter(version__in=readable).select_related("version__document")
    order, asked = {key: place for place, key in enumerate(near)}, set(stems(question))

    def place(table: Table) -> tuple[int, int, int]:
        return (-len(asked & set(stems(table.name))), order[table.version_id], table.ordinal)

    return sorted(tables, key=place)[:MOST_TABLES]


def _is_clear(reading: Reading) -> bool:
    """Whether each word is known here, and the table's name is among them."""
    return bool(reading.view.name & reading.view.asked) and not reading.strangers()


def _is_about(answered: Answered) -> bool:
    """Whether each word is known here, and one names this very table: a value, a row, its title.

    With many tables a word that says nothing in one of them may say which other one is meant.
    """
    reading, plan = answered.reading, answered.plan
    if reading.strangers():
        return False
    if plan.filters or plan.neighbour or plan.minus:
        return True
    is_told_by_column = any(
        one.share == 1 and len(one.column.words) > 1 and one.column.index in plan.select
        for one in reading.columns
    )
    return is_told_by_column or bool(answered.view.title & answered.view.asked)


def _compared(values: Sequence[str]) -> tuple[object, ...]:
    """Values such that 86.5 and 86.50 are one."""
    read = [(value, number_of(value)) for value in values]
    return tuple(found.value if found else value for value, found in read)


def _written(value: object) -> str:
    """A figure without the noise of its arithmetic."""
    if isinstance(value, Decimal | float):
        rounded = round(Decimal(value), DIGITS).normalize()
        return f"{rounded:f}"
    return str(value)


def _passage(answered: Answered) -> FoundPassage:
    table = answered.view.table
    version = table.version
    rows = _evidence(table, answered.outcome.rows)
    result = "; ".join(answered.values)
    text = f"Computed from the table “{table.name}”: {answered.words} = {result}."
    headings = (table.name,) if version.tables.count() > 1 else ()
    lines = [text, *(_line(answered, number, texts) for number, texts in rows)]
    whole = "\n".join(lines)
    numbers = answered.outcome.rows
    return FoundPassage(
        chunk_id=_chunk_of(table).pk,
        version_id=version.pk,
        document_id=version.document_id,
        collection_id=version.document.collection_id,
        text=whole,
        context_text=f"{version.document.title}\n{whole}",
        sha256=hashlib.sha256(whole.encode()).hexdigest(),
        kind="computed",
        document_title=version.document.title,
        version_number=version.number,
        file_sha256=version.sha256,
        media_type=version.media_type,
        headings=headings,
        page=None,
        row_from=min(numbers, default=None),
        row_to=max(numbers, default=None),
        boxes=(),
        tokens=len(whole.split()) * 2,
        scores={},
        computation=Computation(
            sentence=text,
            name=table.name,
            plan=answered.words,
            kind=answered.plan.kind,
            sql=answered.outcome.sql,
            result=answered.values,
            table=table.ordinal,
            columns=[column.name for column in answered.view.columns],
            rows=[[number, *texts] for number, texts in rows],
            numbers=list(numbers),
        ),
    )


def _evidence(table: Table, numbers: Sequence[int]) -> list[tuple[int, list[str]]]:
    rows = TableRow.objects.filter(table=table, number__in=numbers[:SHOWN_ROWS])
    texts = dict(rows.values_list("number", "texts"))
    return [(number, texts[number]) for number in numbers[:SHOWN_ROWS] if number in texts]


def _line(answered: Answered, number: int, texts: Sequence[str]) -> str:
    named = zip(answered.view.columns, texts, strict=False)
    cells = "; ".join(f"{column.name}: {text}" for column, text in named if text)
    return f"Row {number}: {cells}"[:SHOWN_CHARACTERS]


def _chunk_of(table: Table) -> Chunk:
    """The chunk that stands for the table: its summary."""
    chunks = Chunk.objects.filter(version=table.version_id)
    summaries = list(chunks.filter(kind=Chunk.Kind.SUMMARY).order_by("ordinal"))
    named = [chunk for chunk in summaries if f"“{table.name}”" in chunk.text]
    return (named or summaries or list(chunks.order_by("ordinal")[:1]))[0]
