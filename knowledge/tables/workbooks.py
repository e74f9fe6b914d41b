"""Excel workbooks → a typed table per sheet, hidden sheets and rows marked, not left out.

No declared size is trusted: rows are read to the end of the sheet.
"""

import re
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from knowledge.blocks import Block, Extracted, TableData
from knowledge.counts import counted
from knowledge.errors import ExtractionFailed
from knowledge.tables.grids import Grid, table_of, warnings_of
from knowledge.tables.units import CURRENCIES, unit_of

MAX_SHEETS = 200
# Rows whose cells are asked for their number format.
_FORMATTED_ROWS = 40
_CHUNK = 1 << 20
_LONGEST_ROW = 8 << 20
_ROW = re.compile(rb"<(?:\w+:)?row\b([^<>]*)>")
_NUMBER = re.compile(rb'\br="(\d{1,7})"')
_HIDDEN = re.compile(rb'\bhidden="(?:1|true)"')
_NO_RESULT = re.compile(
    rb"(?:</(?:\w+:)?f>|<(?:\w+:)?f\b[^<>]*/>)\s*(?:<(?:\w+:)?v\s*/>|<v></v>)?\s*</(?:\w+:)?c>"
)
_QUOTED = re.compile(r'"\s*([^"]{1,12}?)\s*"|\[\$([^\]-]{1,4})[^\]]*\]')


def read_xlsx(path: Path) -> Extracted:
    """Every sheet that holds anything as one table."""
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
        grid, formulas = _read_sheet(path, sheet)
        found_notes, found = table_of(grid)
        notes += found_notes
        tables += found
        warnings += warnings_of(grid, is_alone=False) if grid.rows else []
        if formulas:
            told = counted(
                formulas,
                "{} formula has no stored result and counts as empty.",
                "{} formulas have no stored result and count as empty.",
            )
            advice = "Open the file in a spreadsheet program and save it."
            warnings.append(f"“{sheet.title}”: {told} {advice}")
    if len(book.worksheets) > MAX_SHEETS:
        beyond = len(book.worksheets) - MAX_SHEETS
        warnings.append(counted(beyond, "{} sheet was not read.", "{} sheets were not read."))
    if not tables and not notes:
        raise ExtractionFailed(
            "The workbook holds no values. If its cells are formulas, open it in a spreadsheet "
            "program and save it, so that their results are stored.",
            code="no_text",
        )
    return Extracted(blocks=tuple(notes), warnings=tuple(warnings), tables=tuple(tables))


def _read_sheet(path: Path, sheet: Any) -> tuple[Grid, int]:
    """The sheet's rows, and how many of its formulas have no result."""
    # What the file says about its size may be wrong: read what is there.
    sheet.reset_dimensions()
    hidden, formulas = _scan(path, sheet._worksheet_path)
    units = _units(sheet.iter_rows(max_row=_FORMATTED_ROWS))
    grid = Grid(sheet.title, is_hidden=sheet.sheet_state != "visible", units=units)
    sheet.reset_dimensions()
    shares = {index for index, unit in units.items() if unit == "%"}
    for number, values in enumerate(sheet.iter_rows(values_only=True), start=1):
        row = _in_percent(values, shares) if shares else values
        grid.add(row, is_hidden=number in hidden)
    return grid, formulas


def _scan(path: Path, part: str) -> tuple[set[int], int]:
    """Numbers of hidden rows, and formulas without a result: what the row reader doesn't tell."""
    hidden: set[int] = set()
    formulas, tail = 0, b""
    with zipfile.ZipFile(path) as archive, archive.open(part.lstrip("/")) as xml:
        while data := xml.read(_CHUNK):
            text = tail + data
            # A row that begins here and ends in the next stretch is looked at with the next.
            cut = max(text.rfind(b"<row"), len(text) - _LONGEST_ROW)
            text, tail = text[:cut], text[cut:]
            formulas += _note(text, hidden)
        formulas += _note(tail, hidden)
    return hidden, formulas


def _note(xml: bytes, hidden: set[int]) -> int:
    """Adds the hidden rows of a stretch of a sheet; its formulas without a result."""
    for row in _ROW.finditer(xml):
        number = _NUMBER.search(row[1])
        if number and _HIDDEN.search(row[1]):
            hidden.add(int(number[1]))
    return len(_NO_RESULT.findall(xml))


def _units(rows: Iterable[Iterable[Any]]) -> dict[int, str]:
    """Position of a column → the unit in its first number's format, such as 0% or 0.0 "kg"."""
    units: dict[int, str] = {}
    for row in rows:
        for index, cell in enumerate(row):
            if index not in units and isinstance(cell.value, int | float):
                units[index] = _unit_in(cell.number_format or "")
    return {index: unit for index, unit in units.items() if unit}


def _unit_in(number_format: str) -> str:
    if "%" in number_format:
        return "%"
    for quoted, currency in _QUOTED.findall(number_format):
        if unit := unit_of(quoted or currency):
            return unit
    return next((CURRENCIES[sign] for sign in "€£¥₹" if sign in number_format), "")


def _in_percent(values: Iterable[Any], shares: set[int]) -> list[Any]:
    """Shares as the sheet shows them: 0.25 is 25 %."""
    return [
        round(value * 100, 10) if index in shares and isinstance(value, int | float) else value
        for index, value in enumerate(values)
    ]
