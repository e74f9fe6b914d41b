"""A CSV file or a workbook as a header and numbered rows of cells, before anyone knows their sense.

Workbooks are opened in a process of their own with limits, see workbook_child.
"""

import csv
import json
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO

from django.conf import settings

from knowledge.extraction import ChildEnded, run_child
from knowledge.texts import decode
from training.errors import DatasetRefused

SUFFIXES = (".csv", ".tsv", ".xlsx")
MAX_ROWS = 100_000
CHILD, CHILD_SECONDS = "training.workbook_child", 60
SAMPLES = 3
LONGEST_CELL = 1_000_000
_SIGNS = ",;\t|"


@dataclass(frozen=True)
class Sheet:
    """A table as text; `unit` is what its rows are counted in: lines of a file, or rows."""

    header: list[str]
    # Number in the file, and the cells; a row may be shorter or longer than the header.
    rows: Iterable[tuple[int, list[str]]]
    unit: str
    warnings: list[str] = field(default_factory=list)

    def samples(self) -> list[list[str]]:
        """The first rows, as wide as the header."""
        width = len(self.header)
        return [[*cells, *[""] * width][:width] for _number, cells in islice(self.rows, SAMPLES)]

    def records(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Each row by column names; what stands beyond the header has the name ""."""
        for number, cells in self.rows:
            record = dict(zip(self.header, cells, strict=False))
            if any(beyond := cells[len(self.header) :]):
                record[""] = " ".join(beyond)
            yield number, record


def open_sheet(suffix: str, file: IO[bytes]) -> Sheet:
    """Raises DatasetRefused when it can't be read as a table."""
    sheet = _open_xlsx(file) if suffix == ".xlsx" else _open_csv(file)
    named = [name for name in sheet.header if name]
    if not named:
        raise DatasetRefused("The file is empty: its first line must name the columns.")
    if len(set(named)) < len(named):
        twice = next(name for name in named if named.count(name) > 1)
        raise DatasetRefused(f"Two columns are called “{twice}”: give each a name of its own.")
    return sheet


def _open_csv(file: IO[bytes]) -> Sheet:
    text, warnings = decode(file.read())
    lines = text.splitlines(keepends=True)
    if len(lines) > MAX_ROWS:
        raise DatasetRefused(f"The file has more than {MAX_ROWS:,} lines: split it in parts.")
    first = lines[0] if lines else ""
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(lines, delimiter=max(_SIGNS, key=first.count), strict=True)
    header = next(_numbered(reader), (1, []))[1]
    return Sheet([name.strip() for name in header], _numbered(reader), "line", warnings)


def _numbered(reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """Rows with the line on which each begins; blank lines are no rows."""
    while True:
        number = reader.line_num + 1  # type: ignore[attr-defined]
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DatasetRefused(f"Line {number} is not valid CSV: {error}.") from error
        if cells:
            yield number, cells


def _open_xlsx(file: IO[bytes]) -> Sheet:
    with tempfile.TemporaryDirectory(prefix="workbook-") as folder:
        book, output = Path(folder) / "book.xlsx", Path(folder) / "rows.jsonl"
        file.seek(0)
        with book.open("wb") as copy:
            while block := file.read(1 << 20):
                copy.write(block)
        megabytes = str(settings.KNOWLEDGE_EXTRACTION_MEMORY_MB)
        arguments = [str(book), str(output), str(CHILD_SECONDS), megabytes]
        try:
            run_child(CHILD, arguments, CHILD_SECONDS, folder)
            found = output.open(encoding="utf-8")
        except (ChildEnded, OSError) as error:
            raise DatasetRefused(
                "The workbook can't be read: it is damaged, protected or too large. Save it "
                "again, or as CSV."
            ) from error
    # Its file outlives the folder while it is open.
    others = json.loads(found.readline())
    rows = (_row(line) for line in found)
    header = next(rows, (1, []))[1]
    told = f"Only the first sheet was read, not {', '.join(others)}." if others else ""
    return Sheet(header, _bounded(rows), "row", [told] if told else [])


def _row(line: str) -> tuple[int, list[str]]:
    number, cells = json.loads(line)
    return number, cells


def _bounded(rows: Iterator[tuple[int, list[str]]]) -> Iterator[tuple[int, list[str]]]:
    for count, row in enumerate(rows):
        if count >= MAX_ROWS:
            raise DatasetRefused(f"The sheet has more than {MAX_ROWS:,} rows: split it in parts.")
        yield row
