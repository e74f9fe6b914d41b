"""CSV and XLSX → typed tables: every row counted, no declared size trusted.

Runs in the child process. Knows no database.
"""

import csv
import re
import zipfile
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Literal

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from knowledge.blocks import Block, Cell, Column, Extracted, TableData
from knowledge.errors import ExtractionFailed
from knowledge.texts import decode

MAX_CELLS = 3_000_000
MAX_COLUMNS = 1_000
MAX_SHEETS = 200
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,14}|[1-9]\d{0,2}(,\d{3}){1,4})(\.\d+)?")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_BOOLEANS = {"true": True, "false": False, "yes": True, "no": False}
# Lines above a header, such as a title, before the first row is taken as it is.
_LOOK_AHEAD = 10

Row = list[Any]


def read_csv(path: Path, name: str) -> Extracted:
    """A file of separated values as one table."""
    text, warnings = decode(path.read_bytes())
    csv.field_size_limit(10_000_000)
    reader = csv.reader(text.splitlines(keepends=True), _dialect(text))
    try:
        rows, skipped = _collect(reader)
    except csv.Error as error:
        raise ExtractionFailed(f"Row {reader.line_num:,} can't be read: {error}.") from error
    notes, tables = _table(name, rows)
    if skipped:
        warnings.append(f"{skipped:,} rows beyond {MAX_CELLS:,} cells were not read.")
    return Extracted(blocks=tuple(notes), warnings=tuple(warnings), tables=tuple(tables))


def _dialect(text: str) -> type[csv.Dialect]:
    """By the sign that parts most of the first lines into equally many cells."""
    lines = [line for line in text[:20_000].splitlines()[:30] if line.strip()]
    counts = {sign: [line.count(sign) for line in lines] for sign in (",", ";", "\t", "|")}
    sign = max(counts, key=lambda s: (min(counts[s], default=0), sum(counts[s])))

    class Found(csv.excel):
        delimiter = sign

    return Found


def read_xlsx(path: Path) -> Extracted:
    """Each visible sheet that holds anything as one table."""
    try:
        # An open file, since the stored name has no ending, which openpyxl insists on.
        book = openpyxl.load_workbook(path.open("rb"), read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise ExtractionFailed(
            "The workbook is damaged or protected and can't be read. Save it again without "
            "protection, then upload."
        ) from error
    notes: list[Block] = []
    tables: list[TableData] = []
    warnings: list[str] = []
    for sheet in book.worksheets[:MAX_SHEETS]:
        if sheet.sheet_state != "visible":
            warnings.append(f"The hidden sheet “{sheet.title}” was left out.")
            continue
        # What the file says about its size may be wrong: read what is there.
        sheet.reset_dimensions()
        rows, skipped = _collect(sheet.iter_rows(values_only=True))
        found_notes, found = _table(sheet.title, rows)
        notes += found_notes
        tables += found
        if skipped:
            warnings.append(f"“{sheet.title}”: {skipped:,} rows were not read: too many cells.")
    if len(book.worksheets) > MAX_SHEETS:
        warnings.append(f"{len(book.worksheets) - MAX_SHEETS:,} sheets were not read.")
    if not tables and not notes:
        raise ExtractionFailed(
            "The workbook holds no values. If its cells are formulas, open it in a spreadsheet "
            "program and save it, so that their results are stored."
        )
    return Extracted(blocks=tuple(notes), warnings=tuple(warnings), tables=tuple(tables))


def _collect(source: Iterable[Iterable[Any]]) -> tuple[list[Row], int]:
    """Rows that hold anything, cut behind their last filled cell; and how many were too many."""
    rows: list[Row] = []
    cells, skipped = 0, 0
    for values in source:
        row = list(values)[:MAX_COLUMNS]
        while row and _text(row[-1]) == "":
            row.pop()
        if not row:
            continue
        cells += len(row)
        if cells > MAX_CELLS:
            skipped += 1
        else:
            rows.append(row)
    return rows, skipped


def _table(name: str, rows: list[Row]) -> tuple[list[Block], list[TableData]]:
    """The rows as a table; what stands above its header are notes."""
    start = _header_row(rows)
    notes = [Block("paragraph", " ".join(filter(None, map(_text, row)))) for row in rows[:start]]
    body = rows[start:]
    if not body:
        return notes, []
    width = max(len(row) for row in body)
    is_header = _looks_like_header(body)
    header = [_text(cell) for cell in body[0]] if is_header else []
    texts = [_padded([_text(cell) for cell in row], width) for row in body[is_header:]]
    if not texts:
        return [*notes, Block("paragraph", " | ".join(header))], []
    values = [_padded(row, width) for row in body[is_header:]]
    types = [_type(row[index] for row in values) for index in range(width)]
    columns = tuple(
        Column(title, kind) for title, kind in zip(_names(header, width), types, strict=True)
    )
    typed = tuple(
        tuple(_value(cell, kind) for cell, kind in zip(row, types, strict=True)) for row in values
    )
    return notes, [TableData(name, columns, typed, tuple(tuple(row) for row in texts))]


def _header_row(rows: list[Row]) -> int:
    """The first row that is as wide as the table, near the top."""
    if not rows:
        return 0
    width = max(len(row) for row in rows[:200])
    for index, row in enumerate(rows[:_LOOK_AHEAD]):
        if sum(1 for cell in row if _text(cell)) >= max(1, (width + 1) // 2):
            return index
    return 0


def _looks_like_header(body: list[Row]) -> bool:
    """Words only, each once, above at least one row."""
    first = [_text(cell) for cell in body[0] if _text(cell)]
    are_words = all(_type([text]) == "text" for text in first)
    return len(body) > 1 and bool(first) and are_words and len(set(first)) == len(first)


def _names(header: list[str], width: int) -> list[str]:
    given = [*header, *[""] * (width - len(header))]
    return [name[:200] or f"Column {index}" for index, name in enumerate(given, start=1)]


def _padded(row: list[Any], width: int) -> list[Any]:
    return [*row, *[""] * (width - len(row))]


def _text(value: Any) -> str:
    """A cell as a reader sees it."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        shown = value.date() if value.time() == time() else value.replace(microsecond=0)
        return str(shown)
    if isinstance(value, float):
        return f"{value:.10g}"
    return " ".join(str(value).split())


def _kinds(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        text = _text(value)
        if isinstance(value, bool) or text.lower() in _BOOLEANS:
            yield "boolean"
        elif isinstance(value, int | float) or _NUMBER.fullmatch(text):
            yield "number"
        elif isinstance(value, date | datetime) or _DATE.fullmatch(text):
            yield "date"
        elif text:
            yield "text"


def _type(values: Iterable[Any]) -> Literal["number", "date", "boolean", "text"]:
    """The type that all filled cells of a column share, else text."""
    kinds = set(_kinds(values))
    return kinds.pop() if len(kinds) == 1 else "text"  # type: ignore[return-value]


def _value(cell: Any, kind: str) -> Cell:
    """The cell in its column's type."""
    text = _text(cell)
    if not text:
        return None
    if kind == "boolean":
        return cell if isinstance(cell, bool) else _BOOLEANS[text.lower()]
    if kind == "number":
        number = float(text.replace(",", ""))
        return int(number) if number.is_integer() and "." not in text else number
    return text
