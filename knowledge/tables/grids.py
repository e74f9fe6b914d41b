"""Rows of raw cells → a typed table: header found, types chosen, every row kept and counted.

Knows no file format.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from knowledge.blocks import Block, Row, TableData
from knowledge.counts import counted
from knowledge.tables.columns import TypedColumn, type_column
from knowledge.tables.values import boolean_of, date_of, is_placeholder, number_of, shown

MAX_CELLS = 3_000_000
MAX_COLUMNS = 1_000
LONGEST_NAME = 200
# Lines above a header, such as a title, before the first row is taken as it is.
_LOOK_AHEAD = 10
_YEAR = re.compile(r"(1[5-9]|20|21)\d\d")
_TOTAL = re.compile(r"(grand |sub|sub-|overall )?totals?:?|sum|average|mean|overall", re.IGNORECASE)
# A row of totals stands this near the end.
_LAST_ROWS = 3


@dataclass
class Grid:
    """What a sheet holds: rows as they come, blank ones left out."""

    name: str
    rows: list[list[str]] = field(default_factory=list)
    hidden: set[int] = field(default_factory=set)
    unread_rows: int = 0
    unread_cells: int = 0
    is_hidden: bool = False
    # Position → unit, where cells carry one in their format.
    units: Mapping[int, str] = field(default_factory=dict)
    _cells: int = 0

    def add(self, values: Iterable[Any], *, is_hidden: bool = False) -> None:
        """One row, cut behind its last filled cell; counted when there is no room left."""
        row = [shown(value) for value in values]
        while row and not row[-1]:
            row.pop()
        if not row:
            return
        if len(row) > MAX_COLUMNS:
            self.unread_cells += sum(1 for text in row[MAX_COLUMNS:] if text)
            row = row[:MAX_COLUMNS]
        self._cells += len(row)
        if self._cells > MAX_CELLS:
            self.unread_rows += 1
            return
        if is_hidden:
            self.hidden.add(len(self.rows))
        self.rows.append(row)


class TypedRows:
    """The rows of a grid below its header; values are computed as they are asked for."""

    def __init__(self, grid: Grid, start: int, columns: Sequence[TypedColumn]) -> None:
        self._grid, self._start, self._columns = grid, start, columns

    def __len__(self) -> int:
        return len(self._grid.rows) - self._start

    def __iter__(self) -> Iterator[Row]:
        rows, width = self._grid.rows, len(self._columns)
        for index in range(self._start, len(rows)):
            texts = (*rows[index], *[""] * (width - len(rows[index])))
            yield Row(
                texts=texts,
                cells=tuple(
                    typed.parse(text) for typed, text in zip(self._columns, texts, strict=True)
                ),
                is_hidden=index in self._grid.hidden,
                is_total=index >= len(rows) - _LAST_ROWS and _is_total(texts),
            )


def table_of(grid: Grid) -> tuple[list[Block], list[TableData]]:
    """The grid as a table; what stands above its header are notes."""
    start = _header_row(grid.rows)
    notes = [Block("paragraph", " ".join(filter(None, row))) for row in grid.rows[:start]]
    body = grid.rows[start:]
    if not body:
        return notes, []
    width = max(len(row) for row in body)
    has_header = _is_header(body)
    header = body[0] if has_header else []
    if len(body) == has_header:
        return [*notes, Block("paragraph", " | ".join(header))], []
    columns = [
        type_column(
            name,
            (row[index] if index < len(row) else "" for row in body[has_header:]),
            unit=grid.units.get(index, ""),
        )
        for index, name in enumerate(_names(header, width))
    ]
    rows = TypedRows(grid, start + has_header, columns)
    table = TableData(
        name=grid.name,
        columns=tuple(typed.column for typed in columns),
        rows=rows,
        is_hidden=grid.is_hidden,
        unread_rows=grid.unread_rows,
    )
    return notes, [table]


def warnings_of(grid: Grid, *, is_alone: bool) -> list[str]:
    """What a curator should know about this sheet."""
    where = "" if is_alone else f"“{grid.name}”: "
    found = []
    if grid.unread_rows:
        reason = f"beyond {MAX_CELLS:,} cells"
        one, many = f"{{}} row {reason} was not read.", f"{{}} rows {reason} were not read."
        found.append(f"{where}{counted(grid.unread_rows, one, many)} Split the file.")
    if grid.unread_cells:
        reason = f"beyond column {MAX_COLUMNS:,}"
        one, many = f"{{}} cell {reason} was not read.", f"{{}} cells {reason} were not read."
        found.append(f"{where}{counted(grid.unread_cells, one, many)}")
    if grid.is_hidden:
        found.append(f"The sheet “{grid.name}” is hidden; it was read and marked.")
    if grid.hidden:
        told = counted(len(grid.hidden), "{} hidden row was", "{} hidden rows were")
        found.append(f"{where}{told} read and marked.")
    return found


def _header_row(rows: list[list[str]]) -> int:
    """The first row that is as wide as the table, near the top."""
    width = max((len(row) for row in rows[:200]), default=0)
    for index, row in enumerate(rows[:_LOOK_AHEAD]):
        if sum(1 for text in row if text) >= max(1, (width + 1) // 2):
            return index
    return 0


def _is_header(body: list[list[str]]) -> bool:
    """Words or years above at least one row, none of them said twice except beside figures."""
    first = [text for text in body[0] if text]
    if len(body) < 2 or not first or not all(_may_be_name(text) for text in first):
        return False
    if all(_YEAR.fullmatch(text) for text in first):
        return False
    return len(set(first)) == len(first) or any(number_of(text) for text in body[1])


def _may_be_name(text: str) -> bool:
    if _YEAR.fullmatch(text):
        return True
    is_value = number_of(text) or date_of(text, is_day_first=True) or boolean_of(text) is not None
    return not is_value


def _names(header: list[str], width: int) -> list[str]:
    """A name for each column, each only once."""
    names: list[str] = []
    for index in range(width):
        given = header[index][:LONGEST_NAME] if index < len(header) else ""
        name = given or f"Column {index + 1}"
        again = 2
        while name in names:
            name, again = f"{given[: LONGEST_NAME - 6]} ({again})", again + 1
        names.append(name)
    return names


def _is_total(texts: Sequence[str]) -> bool:
    """Whether the row sums up the others."""
    filled = [text for text in texts if not is_placeholder(text)]
    return bool(filled) and any(_TOTAL.fullmatch(text) for text in filled[:2])
