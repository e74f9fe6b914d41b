"""The process in which a file is opened: limits first, then the parser, then JSON.

`python -m knowledge.extraction_child FILE MEDIA_TYPE NAME OUTPUT SECONDS MEGABYTES LANGUAGES`.
Knows no Django and no database, so that a hostile file reaches neither.
"""

import ctypes
import json
import os
import resource
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

from knowledge.blocks import Block, Extracted, Row, Rows, TableData, to_json
from knowledge.cleaning import Cleaner
from knowledge.errors import ExtractionFailed
from knowledge.formats import read_file
from knowledge.rowfiles import write_table

MAX_OUTPUT = 1024**3
# As much as 5,000 full pages hold; its chunks and vectors fit the worker's memory, hours long.
MAX_TEXT = 30_000_000
_PR_SET_PDEATHSIG = 1


def main(
    path: str,
    media_type: str,
    name: str,
    output: str,
    seconds: str,
    megabytes: str,
    languages: str = "",
) -> int:
    """Writes the blocks, or the reason why there are none, to the output file."""
    os.environ["OCR_LANGUAGES"] = languages
    limit(int(seconds), int(megabytes))
    try:
        answer = _answer(read_file(Path(path), media_type, name), Path(output).parent)
    except ExtractionFailed as error:
        answer = {"error": {"code": error.code, "message": error.message}}
    except MemoryError:
        answer = {"error": {"code": "extraction_memory", "message": ""}}
    with Path(output).open("w", encoding="utf-8") as file:
        json.dump(answer, file, ensure_ascii=True)
    return 0


def limit(seconds: int, megabytes: int) -> None:
    """Bounds this process for good, and ties its life to its parent's."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() == 1:
        sys.exit(1)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    # What the process writes to, its libraries and reserved addresses not counted.
    resource.setrlimit(resource.RLIMIT_DATA, (megabytes * 1024**2, megabytes * 1024**2))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_OUTPUT, MAX_OUTPUT))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _answer(extracted: Extracted, folder: Path) -> dict[str, Any]:
    """All texts without what breaks a database or hides words; empty blocks left out."""
    cleaner = Cleaner()
    blocks = [_clean_block(block, cleaner) for block in extracted.blocks]
    kept = tuple(_without_bare_headings([block for block in blocks if block.text]))
    if not kept and not any(len(table.rows) for table in extracted.tables):
        raise ExtractionFailed("The file holds no text.", code="no_text")
    if (length := sum(len(block.text) for block in kept)) > MAX_TEXT:
        raise ExtractionFailed(
            f"The file holds {length:,} characters of text; {MAX_TEXT:,} are possible. Split it.",
            code="too_much_text",
        )
    tables = [
        write_table(_clean_table(table, cleaner), folder, f"rows-{number}.jsonl")
        for number, table in enumerate(extracted.tables)
    ]
    warnings = (*extracted.warnings, *cleaner.warnings())
    return {**to_json(replace(extracted, blocks=kept, warnings=warnings)), "tables": tables}


def _without_bare_headings(blocks: list[Block]) -> Iterator[Block]:
    """A heading with nothing below it says something itself: it counts as text."""
    for block, after in zip_longest(blocks, blocks[1:]):
        is_bare = after is None or (after.kind == "heading" and after.level <= block.level)
        if block.kind == "heading" and is_bare:
            yield replace(block, kind="paragraph", level=0)
        else:
            yield block


def _clean_block(block: Block, cleaner: Cleaner) -> Block:
    text = cleaner.clean(block.text)
    # Places are kept as long as cleaning left the text's length alone.
    lines = block.lines if len(text) == len(block.text) or block.kind == "table" else ()
    if not lines and block.lines:
        whole = [replace(line, start=0, end=len(text)) for line in block.lines]
        lines = tuple(whole)
    rows = tuple(tuple(cleaner.clean(cell) for cell in row) for row in block.rows)
    return replace(block, text=text, lines=lines, rows=rows)


def _clean_table(table: TableData, cleaner: Cleaner) -> TableData:
    columns = tuple(replace(column, name=cleaner.clean(column.name)) for column in table.columns)
    return replace(
        table,
        name=cleaner.clean(table.name)[:200],
        columns=columns,
        rows=_CleanRows(table.rows, cleaner),
    )


class _CleanRows:
    """The rows, cleaned on the way."""

    def __init__(self, rows: Rows, cleaner: Cleaner) -> None:
        self._rows, self._clean = rows, cleaner.clean

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            yield replace(row, texts=tuple(map(self._clean, row.texts)))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
