"""Rows of tables as sentences: each value with its column's name, so that a row stands alone.

Pure functions.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from knowledge.blocks import Block, Column, Line, Row, TableData

CountTokens = Callable[[Sequence[str]], list[int]]
# Longer rows go on in further chunks, up to here.
LONGEST_ROW = 20_000
LONGEST_SUMMARY = 4_000
# Up to here each row of a table file is a chunk of its own; beyond, rows share chunks.
ROWS_ALONE = 200
# Up to here the rows are embedded. Beyond, vectors of rows cost minutes and tell them apart no
# better than chance: words, the table's summary and exact answers find them.
EMBEDDED_ROWS = 5_000
BATCH = 1_000
# A figure with its signs, else letters and digits; quotes and other signs part words.
_WORD = re.compile(r"\d+(?:[.,]\d+)*(?:%|(?:st|nd|rd|th)\b)?|[^\W_]+(?:'[^\W_]+)?")
_YEAR = re.compile(r"(?:19|20)\d\d")


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


@dataclass(frozen=True)
class RowChunk:
    """A chunk of a table file: its summary, or rows of it."""

    kind: Literal["summary", "row", "rows"]
    text: str
    tokens: int
    row_from: int | None = None
    row_to: int | None = None


def table_chunks(table: TableData, *, count_tokens: CountTokens, room: int) -> Iterator[RowChunk]:
    """The summary, then every row once, header repeated; few rows stand alone, more share chunks.

    Counts tokens of a batch of rows at a time, so that a long table is never in memory.
    """
    summary = summary_text(table)
    yield RowChunk("summary", summary, min(room, count_tokens([summary])[0]))
    kind: Literal["row", "rows"] = "row" if len(table.rows) <= EMBEDDED_ROWS else "rows"
    is_alone = len(table.rows) <= ROWS_ALONE
    waiting: list[tuple[int, str, int]] = []
    tokens = 0
    for number, text, count in _counted_rows(table, count_tokens):
        if waiting and (is_alone or tokens + count > room):
            yield _row_chunk(kind, waiting, tokens)
            waiting, tokens = [], 0
        for part, part_tokens in _parts(text, count, room):
            if waiting and waiting[-1][0] == number:
                yield _row_chunk(kind, waiting, tokens)
                waiting, tokens = [], 0
            waiting.append((number, part, part_tokens))
            tokens += part_tokens
    if waiting:
        yield _row_chunk(kind, waiting, tokens)


def _row_chunk(
    kind: Literal["row", "rows"], rows: Sequence[tuple[int, str, int]], tokens: int
) -> RowChunk:
    text = "\n".join(text for _number, text, _tokens in rows)
    return RowChunk(kind, text, tokens, rows[0][0], rows[-1][0])


def _counted_rows(table: TableData, count_tokens: CountTokens) -> Iterator[tuple[int, str, int]]:
    """Number, text and tokens of each row; a row without any value has no text."""
    header = [column.name for column in table.columns]
    numbered = enumerate(table.rows, start=1)
    while batch := list(islice(numbered, BATCH)):
        texts = [_marked(row_text(header, row.texts), row) for _number, row in batch]
        for (number, _row), text, count in zip(batch, texts, count_tokens(texts), strict=True):
            if text:
                # An unknown word counts by its length, so that no chunk is too long.
                yield number, text, max(count, len(text) // 12) + 1


def _marked(text: str, row: Row) -> str:
    return f"(hidden row) {text}" if row.is_hidden and text else text


def _parts(text: str, tokens: int, room: int) -> Iterator[tuple[str, int]]:
    """A row that alone is more than a chunk holds, in stretches."""
    if tokens <= room:
        yield text, tokens
        return
    size = max(1, len(text) * room // tokens)
    for start in range(0, len(text), size):
        yield text[start : start + size], min(room, -(-tokens * size // len(text)))


def summary_text(table: TableData) -> str:
    """What the table holds: its size, and each column with type, unit and range."""
    hidden = ", a hidden sheet" if table.is_hidden else ""
    rows = f"{len(table.rows):,} row{'' if len(table.rows) == 1 else 's'}"
    head = f"Table “{table.name}”{hidden}: {rows}, {len(table.columns)} columns."
    lines = [f"{column.name}: {describe(column)}" for column in table.columns]
    text = "\n".join([head, *lines])
    return text[:LONGEST_SUMMARY]


def describe(column: Column) -> str:
    """“decimal in kg, 0.5 to 40, 3 empty”; of text its commonest values."""
    found = column.statistics
    parts = [f"{column.type} in {column.unit}" if column.unit else column.type]
    if "min" in found:
        parts.append(f"{found['min']} to {found['max']}")
    elif found.get("top"):
        parts.append("mostly " + ", ".join(text for text, _count in found["top"][:3]))
    if found.get("distinct"):
        parts.append(f"{found['distinct']:,} different")
    if found.get("empty"):
        parts.append(f"{found['empty']:,} empty")
    return ", ".join(parts)


def row_text(header: Sequence[str], row: Sequence[str]) -> str:
    """“Part: Seal kit; Price: 12.50”, or the values alone where there is no header."""
    cells = []
    for index, value in enumerate(row):
        name = header[index].strip() if index < len(header) else ""
        if value.strip():
            cells.append(f"{name}: {value.strip()}" if name else value.strip())
    joint = "; " if header else " | "
    return joint.join(dict.fromkeys(cells))[:LONGEST_ROW]


def normalised(text: str) -> str:
    """A text as it is compared: lower case, no accents, words and figures with single spaces."""
    plain = unicodedata.normalize("NFKD", text.lower().replace("’", "'"))
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    return " ".join(_WORD.findall(plain))


def _are_words(row: Sequence[str]) -> bool:
    """Whether the row may be a header: no figures but years, at least half of it filled."""
    filled = [cell for cell in row if cell.strip() and not _YEAR.fullmatch(cell.strip())]
    has_figures = any(
        cell.strip().lstrip("$€£(-").replace(",", "")[:1].isdigit()
        and not any(char.isalpha() for char in cell)
        for cell in filled
    )
    count = sum(1 for cell in row if cell.strip())
    return 2 * count >= len(row) and not has_figures
