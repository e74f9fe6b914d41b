"""The structure of an extracted file, and its way through JSON between two processes.

Knows no parser and no database; imports nothing of ours, since the child process uses it too.
"""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Kind = Literal["heading", "paragraph", "list_item", "code", "table"]
Cell = str | int | float | bool | None


@dataclass(frozen=True)
class Line:
    """Where the characters `start:end` of a block's text stand: edges as shares of the page."""

    start: int
    end: int
    page: int
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class Block:
    """A unit of structure in reading order."""

    kind: Kind
    text: str
    # Of a heading: 1 is the highest.
    level: int = 0
    page: int | None = None
    lines: tuple[Line, ...] = ()
    # Of a table: its rows, a header first; then `lines` holds one place per row.
    rows: tuple[tuple[str, ...], ...] = ()
    has_header: bool = True


@dataclass(frozen=True)
class Column:
    """A column of a table file."""

    name: str
    type: Literal["number", "date", "boolean", "text"]


@dataclass(frozen=True)
class TableData:
    """One CSV file or one sheet, every row of it."""

    name: str
    columns: tuple[Column, ...]
    # Typed values; `texts` holds them as the file shows them.
    rows: tuple[tuple[Cell, ...], ...]
    texts: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Extracted:
    """What a file holds."""

    blocks: tuple[Block, ...] = ()
    page_count: int | None = None
    warnings: tuple[str, ...] = ()
    tables: tuple[TableData, ...] = field(default_factory=tuple)


def to_json(extracted: Extracted) -> dict[str, Any]:
    """Plain lists and dictionaries."""
    return asdict(extracted)


def from_json(data: dict[str, Any]) -> Extracted:
    """The inverse of `to_json`. Raises KeyError or TypeError for anything else."""
    return Extracted(
        blocks=tuple(_block(block) for block in data["blocks"]),
        page_count=data["page_count"],
        warnings=tuple(data["warnings"]),
        tables=tuple(_table(table) for table in data["tables"]),
    )


def _block(data: dict[str, Any]) -> Block:
    lines = tuple(Line(**{**line, "box": tuple(line["box"])}) for line in data["lines"])
    rows = tuple(tuple(row) for row in data["rows"])
    return Block(**{**data, "lines": lines, "rows": rows})


def _table(data: dict[str, Any]) -> TableData:
    return TableData(
        name=data["name"],
        columns=tuple(Column(**column) for column in data["columns"]),
        rows=tuple(tuple(row) for row in data["rows"]),
        texts=tuple(tuple(row) for row in data["texts"]),
    )
