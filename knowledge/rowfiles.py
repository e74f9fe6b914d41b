"""Rows of tables on their way between two processes: a file of lines, one row each.

The child writes them, the parent reads them as often as it likes and never holds them all. Knows no
database.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from knowledge.blocks import Column, Row, TableData

_HIDDEN, _TOTAL = 1, 2


class RowFile:
    """The rows in a file, which may be deleted meanwhile: it stays open."""

    def __init__(self, path: Path, count: int) -> None:
        self._file = path.open("rb")
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Row]:
        self._file.seek(0)
        for line in self._file:
            texts, cells, flags = json.loads(line)
            yield Row(tuple(texts), tuple(cells), bool(flags & _HIDDEN), bool(flags & _TOTAL))


def write_table(table: TableData, folder: Path, name: str) -> dict[str, Any]:
    """Writes the rows to a file in the folder; what `read_table` needs to find them again."""
    with (folder / name).open("w", encoding="utf-8") as file:
        for row in table.rows:
            flags = row.is_hidden * _HIDDEN + row.is_total * _TOTAL
            file.write(json.dumps([row.texts, row.cells, flags]) + "\n")
    return {
        "file": name,
        "count": len(table.rows),
        "name": table.name,
        "columns": [asdict(column) for column in table.columns],
        "is_hidden": table.is_hidden,
        "unread_rows": table.unread_rows,
    }


def read_table(data: dict[str, Any], folder: Path) -> TableData:
    """The table whose rows lie in the folder. Raises KeyError, TypeError or OSError."""
    return TableData(
        name=data["name"],
        columns=tuple(Column(**column) for column in data["columns"]),
        rows=RowFile(folder / Path(data["file"]).name, data["count"]),
        is_hidden=data["is_hidden"],
        unread_rows=data["unread_rows"],
    )
