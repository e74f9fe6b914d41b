"""Files of separated values → one typed table."""

import csv
import io
from pathlib import Path

from knowledge.blocks import Extracted
from knowledge.errors import ExtractionFailed
from knowledge.tables.grids import Grid, table_of, warnings_of
from knowledge.texts import decode

LONGEST_CELL = 10_000_000
_SIGNS = (",", ";", "\t", "|")


def read_csv(path: Path, name: str) -> Extracted:
    """A file of separated values as one table."""
    text, warnings = decode(path.read_bytes())
    csv.field_size_limit(LONGEST_CELL)
    grid = Grid(name)
    reader = csv.reader(io.StringIO(text, newline=""), _dialect(text))
    try:
        for row in reader:
            grid.add(row)
    except csv.Error as error:
        raise ExtractionFailed(f"Row {reader.line_num:,} can't be read: {error}.") from error
    notes, tables = table_of(grid)
    warnings += warnings_of(grid, is_alone=True)
    return Extracted(blocks=tuple(notes), warnings=tuple(warnings), tables=tuple(tables))


def _dialect(text: str) -> type[csv.Dialect]:
    """By the sign that parts most of the first lines into equally many cells."""
    lines = [line for line in text[:20_000].splitlines()[:30] if line.strip()]
    counts = {sign: [line.count(sign) for line in lines] for sign in _SIGNS}
    sign = max(counts, key=lambda s: (min(counts[s], default=0), sum(counts[s])))

    class Found(csv.excel):
        delimiter = sign

    return Found
