"""The rows of a table file as a page shows them: columns with what is in them, rows lit up.

Knows requests only by their parameters.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator

from knowledge.models import Chunk, Table

ROWS_A_PAGE = 100
# Rows that one address may light up.
MARKED = 200


@dataclass(frozen=True)
class ShownColumn:
    """A column's head, and what is in it in a few words."""

    name: str
    type: str
    unit: str
    facts: list[str]

    @property
    def is_figure(self) -> bool:
        """Whether its cells stand right-aligned."""
        return self.type in ("integer", "decimal")


@dataclass(frozen=True)
class ShownRow:
    """A row of the grid."""

    number: int
    is_marked: bool
    is_hidden: bool
    is_total: bool
    cells: list[tuple[str, bool]]


def grid_context(
    tables: Sequence[Table], chunk: Chunk | None, asked: Mapping[str, str]
) -> dict[str, Any]:
    """A page of one table's rows; `?table=0&rows=3-5,9` lights up rows and turns to them."""
    named = (table for table in tables if chunk and _name(table) in chunk.headings)
    chosen = tables[min(number_in(asked.get("table"), 0), len(tables) - 1)]
    table = chosen if asked.get("table") else next(named, chosen)
    marked = _marked(asked.get("rows", "")) or _rows_of(chunk)
    first = min(marked, default=1)
    rows: Page[Any] = Paginator(table.rows.order_by("number"), ROWS_A_PAGE).get_page(
        asked.get("page") or (first - 1) // ROWS_A_PAGE + 1
    )
    columns = [_shown_column(column) for column in table.columns]
    shown = [
        ShownRow(
            row.number,
            row.number in marked,
            row.is_hidden,
            row.is_total,
            [(text, column.is_figure) for text, column in zip(row.texts, columns, strict=False)],
        )
        for row in rows
    ]
    return {"tables": tables, "table": table, "columns": columns, "page": rows, "rows": shown}


def number_in(text: str | None, default: int = 1) -> int:
    """A small number in an address, else the default."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 9 else default


def _name(table: Table) -> str:
    """As chunks name it in their headings."""
    return f"{table.name} (hidden sheet)" if table.is_hidden else table.name


def _marked(text: str) -> set[int]:
    marked: set[int] = set()
    for part in text.split(",")[:MARKED]:
        first, _, last = part.partition("-")
        start = number_in(first, 0)
        end = min(number_in(last, start), start + MARKED)
        marked |= set(range(start, end + 1)) if start else set()
    return marked


def _rows_of(chunk: Chunk | None) -> set[int]:
    if chunk is None or not chunk.row_from:
        return set()
    return set(range(chunk.row_from, (chunk.row_to or chunk.row_from) + 1))


def _shown_column(column: dict[str, Any]) -> ShownColumn:
    found = column.get("statistics", {})
    facts = []
    if "min" in found:
        facts.append(f"{_figure(found['min'])} – {_figure(found['max'])}")
    elif found.get("top"):
        facts.append("most often " + ", ".join(text for text, _rows in found["top"][:2]))
    for name, words in (("distinct", "different"), ("empty", "empty"), ("odd", "of another kind")):
        if found.get(name):
            facts.append(f"{found[name]:,} {words}")
    return ShownColumn(column["name"], column["type"], column.get("unit", ""), facts)


def _figure(value: object) -> str:
    """Long figures in groups of three; years and dates as they are."""
    is_long = isinstance(value, int | float) and abs(value) >= 10_000
    return f"{value:,}" if is_long else str(value)
