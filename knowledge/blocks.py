"""The structure of an extracted file, and its way through JSON between two processes.

Knows no parser and no database; imports nothing of ours, since the child process uses it too.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, Protocol

Kind = Literal["heading", "paragraph", "list_item", "code", "table"]
ColumnType = Literal["integer", "decimal", "date", "boolean", "text"]
Cell = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Line:
    """Where the characters `start:end` of a block's text stand: edges as shares of the page."""

    start: int
    end: int
    page: int
    box: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
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
    type: ColumnType
    unit: str = ""
    # count, empty, distinct, top ([[text, rows], …]); of figures and dates also min, max and odd.
    statistics: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """A row of a table file: what it shows, and its values where a column has a type."""

    texts: tuple[str, ...]
    cells: tuple[Cell, ...] = ()
    is_hidden: bool = False
    # Sums up other rows: left out of counts and sums.
    is_total: bool = False


class Rows(Protocol):
    """Rows that can be gone through again and again without being in memory at once."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Row]: ...


@dataclass(frozen=True)
class TableData:
    """One CSV file or one sheet, every row of it."""

    name: str
    columns: tuple[Column, ...]
    rows: Rows
    is_hidden: bool = False
    unread_rows: int = 0


@dataclass(frozen=True)
class Extracted:
    """What a file holds."""

    blocks: tuple[Block, ...] = ()
    page_count: int | None = None
    warnings: tuple[str, ...] = ()
    tables: tuple[TableData, ...] = field(default_factory=tuple)


def to_json(extracted: Extracted) -> dict[str, Any]:
    """Plain lists and dictionaries; rows of tables go their own way, see rowfiles."""
    return asdict(replace(extracted, tables=()))


def from_json(data: dict[str, Any], tables: Iterable[TableData] = ()) -> Extracted:
    """The inverse of `to_json`. Raises KeyError or TypeError for anything else."""
    return Extracted(
        blocks=tuple(_block(block) for block in data["blocks"]),
        page_count=data["page_count"],
        warnings=tuple(data["warnings"]),
        tables=tuple(tables),
    )


def _block(data: dict[str, Any]) -> Block:
    lines = tuple(Line(**{**line, "box": tuple(line["box"])}) for line in data["lines"])
    rows = tuple(tuple(row) for row in data["rows"])
    return Block(**{**data, "lines": lines, "rows": rows})
