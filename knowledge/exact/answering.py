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
from knowledge.exact.running import Outcome, PlanNotRun, run
from knowledge.exact.views import TableView, view_of
from knowledge.models import Chunk, DocumentVersion, Table, TableRow
from knowledge.passages import Computation, FoundPassage

# Tables that are asked, nearest first; each costs some milliseconds.
MOST_TABLES = 6
# Rows that stand beside the result, and characters of each.
SHOWN_ROWS, SHOWN_CHARACTERS = 5, 300
DIGITS = 6


@dataclass(frozen=True)
class Answered:
    """One table's certain answer."""

    view: TableView
    plan: Plan
    outcome: Outcome

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
    view = view_of(table, question)
    plan = plan_for(question, view)
    if plan is None:
        return None
    try:
        outcome = run(plan, view)
    except PlanNotRun:
        return None
    return Answered(view, plan, outcome) if is_certain(plan, outcome) else None


def compute(question: str, found: Sequence[FoundPassage], *, user: Any) -> FoundPassage | None:
    """A passage with the answer that exactly one of the tables near the question gives.

    The tables are those of the passages that were found, so nothing is asked that the person may
    not read; their right to each is checked again here.
    """
    answers = [
        answered
        for table in _tables_near(found, user)
        if (answered := ask_table(question, table)) and _is_about(answered, question)
    ]
    if len(answers) != 1:
        return None
    return _passage(answers[0])


def _tables_near(found: Iterable[FoundPassage], user: Any) -> list[Table]:
    """Tables of the found passages, in the passages' order."""
    versions: dict[UUID, None] = {}
    for passage in found:
        if passage.kind in ("row", "rows", "summary"):
            versions.setdefault(passage.version_id)
    near = list(versions)
    readable = DocumentVersion.objects.visible_to(user).filter(pk__in=near)
    tables = Table.objects.filter(version__in=readable).select_related("version__document")
    order = {key: place for place, key in enumerate(near)}
    return sorted(tables, key=lambda one: (order[one.version_id], one.ordinal))[:MOST_TABLES]


def _is_about(answered: Answered, question: str) -> bool:
    """Whether the question names something of this very table: a value, a row, or its title."""
    plan = answered.plan
    if plan.filters or plan.neighbour or plan.minus:
        return True
    return bool(answered.view.title & answered.view.asked)


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
