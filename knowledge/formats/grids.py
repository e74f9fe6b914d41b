"""Cells that may span rows and columns → a table block whose header is one row.

Shared by all readers of documents with tables; knows no format.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from knowledge.blocks import Block

MAX_COLUMNS = 500
MAX_CELLS = 400_000
# A header of more rows than this is none.
MAX_HEADER_ROWS = 4

Row = tuple[str, ...]


@dataclass
class Grid:
    """A table being filled, cell by cell; a cell that spans several stands in each."""

    header_rows: int = 0
    # Cells for which there was no room.
    skipped: int = 0
    _rows: list[list[str]] = field(default_factory=list)
    # Column → text and rows still to fill from above.
    _hanging: dict[int, tuple[str, int]] = field(default_factory=dict)
    _cells: int = 0
    # How many rows the cells of the first row reach over, or stand above two columns or more.
    _depth: int = 1

    def begin_row(self, *, is_header: bool = False) -> None:
        """Cells that follow stand in a new row."""
        if self._rows:
            self._fill_from_above()
        if is_header and self.header_rows == len(self._rows):
            self.header_rows += 1
        self._rows.append([])

    def add(self, text: str, *, columns: int = 1, rows: int = 1) -> None:
        """The next free cell of the row."""
        if not self._rows:
            self.begin_row()
        self._fill_from_above()
        text = " ".join(text.split())
        row = self._rows[-1]
        for _ in range(max(1, min(columns, MAX_COLUMNS))):
            if len(row) >= MAX_COLUMNS or self._cells >= MAX_CELLS:
                self.skipped += 1
                return
            self._cells += 1
            if len(self._rows) == 1:
                self._depth = max(self._depth, rows, 2 if columns > 1 else 1)
            if rows > 1:
                self._hanging[len(row)] = (text, min(rows, 10_000) - 1)
            row.append(text)

    def add_from_above(self, *, columns: int = 1) -> None:
        """A cell that goes on from the row above."""
        self._fill_from_above()
        place, above = len(self._rows[-1]), self._rows[-2] if len(self._rows) > 1 else []
        if len(self._rows) == self._depth + 1:
            self._depth += 1
        self.add(above[place] if place < len(above) else "", columns=columns)

    def _fill_from_above(self) -> None:
        """Cells of rows above that reach down to the place where the row has come to."""
        row = self._rows[-1]
        while (hanging := self._hanging.get(len(row))) is not None:
            text, left = hanging
            if left <= 1:
                del self._hanging[len(row)]
            else:
                self._hanging[len(row)] = (text, left - 1)
            row.append(text)

    def blocks(self, page: int | None = None) -> list[Block]:
        """The table below its caption; paragraphs when it has one column or one row."""
        if self._rows:
            self._fill_from_above()
        width = max((len(row) for row in self._rows), default=0)
        padded = [(*row, *[""] * (width - len(row))) for row in self._rows]
        captions = _captions(padded) if width > 1 else 0
        rows = [row for row in padded[captions:] if any(row)]
        found = [Block("paragraph", row[0], page=page) for row in padded[:captions] if row[0]]
        if width <= 1 or len(rows) == 1:
            text = "\n".join(" | ".join(filter(None, row)) for row in rows)
            return [*found, Block("paragraph", text, page=page)] if text else found
        if not rows:
            return found
        count = self._header_count(captions, len(rows))
        header = [joined_header(rows[:count])] if count > 1 else rows[:count]
        return [*found, table_block([*header, *rows[count:]], page=page)]

    def _header_count(self, captions: int, height: int) -> int:
        """Rows of the header: those that are marked, else those that spanning cells show."""
        marked = self.header_rows - captions
        count = marked if marked > 0 else 1 if captions else self._depth
        return count if 0 < count <= MAX_HEADER_ROWS and count < height else 1


def _captions(rows: Sequence[Row]) -> int:
    """Rows at the top of one text across the whole width."""
    count = 0
    for row in rows[:MAX_HEADER_ROWS]:
        if len(set(row)) > 1:
            break
        count += 1
    return count


def joined_header(rows: Sequence[Row]) -> Row:
    """Header rows as one: above each column its words from top to bottom, each once."""
    return tuple(
        " ".join(dict.fromkeys(filter(None, column))) for column in zip(*rows, strict=True)
    )


def table_block(rows: Sequence[Row], *, page: int | None = None, has_header: bool = True) -> Block:
    """A table without places."""
    text = "\n".join(" | ".join(row) for row in rows)
    return Block("table", text, page=page, rows=tuple(rows), has_header=has_header)
