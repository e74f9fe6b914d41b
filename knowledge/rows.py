"""Rows of tables as sentences: each value with its column's name, so that a row stands alone.

Pure functions.
"""

from collections.abc import Iterator, Sequence

from knowledge.blocks import Block, Line, TableData

LONGEST_ROW = 2_000


def table_pieces(block: Block) -> Iterator[tuple[str, tuple[Line, ...], int | None]]:
    """Text, place and number of each row of a table inside a document, header not counted."""
    has_header = block.has_header and len(block.rows) > 1 and _are_words(block.rows[0])
    header = block.rows[0] if has_header else ()
    has_places = len(block.lines) == len(block.rows)
    for index, row in enumerate(block.rows[has_header:], start=int(has_header)):
        text = row_text(header, row)
        if text:
            places = block.lines[index : index + 1] if has_places else block.lines
            yield text, places, index + 1 - has_header


def row_pieces(table: TableData) -> Iterator[tuple[str, int]]:
    """Text and number of each row of a table file."""
    header = [column.name for column in table.columns]
    for number, row in enumerate(table.texts, start=1):
        if text := row_text(header, row):
            yield text, number


def row_text(header: Sequence[str], row: Sequence[str]) -> str:
    """“Part: Seal kit; Price: 12.50”, or the values alone where there is no header."""
    cells = []
    for index, value in enumerate(row):
        name = header[index].strip() if index < len(header) else ""
        if value.strip():
            cells.append(f"{name}: {value.strip()}" if name else value.strip())
    joint = "; " if header else " | "
    return joint.join(dict.fromkeys(cells))[:LONGEST_ROW]


def _are_words(row: Sequence[str]) -> bool:
    """Whether the row may be a header: no figures, at least half of it filled."""
    filled = [cell for cell in row if cell.strip()]
    has_figures = any(
        cell.strip().lstrip("$€£(-").replace(",", "")[:1].isdigit()
        and not any(char.isalpha() for char in cell)
        for cell in filled
    )
    return 2 * len(filled) >= len(row) and not has_figures
