"""The process in which a workbook is opened: limits first, then its first sheet, row by row.

`python -m training.workbook_child FILE OUTPUT SECONDS MEGABYTES`. Knows no Django and no database;
writes the names of the other sheets, then each row with its number as JSON.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from knowledge.extraction_child import limit
from knowledge.tables.values import shown

MAX_ROWS = 100_002
MAX_COLUMNS = 1_000


def main(path: str, output: str, seconds: str, megabytes: str) -> int:
    """Writes the rows of the first sheet that holds any."""
    limit(int(seconds), int(megabytes))
    import openpyxl

    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
    filled = [sheet for sheet in sheets if next(_rows(sheet), None)]
    with Path(output).open("w", encoding="utf-8") as file:
        file.write(json.dumps([sheet.title for sheet in filled[1:]]) + "\n")
        for number, cells in _rows(filled[0]) if filled else ():
            file.write(json.dumps([number, cells]) + "\n")
    return 0


def _rows(sheet: Any) -> Iterator[tuple[int, list[str]]]:
    # What the file says about its size may be wrong: read what is there.
    sheet.reset_dimensions()
    written = 0
    for number, values in enumerate(sheet.iter_rows(values_only=True), start=1):
        cells = [shown(value) for value in values[:MAX_COLUMNS]]
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            yield number, cells
            written += 1
        if written > MAX_ROWS:
            return


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
