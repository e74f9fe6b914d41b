"""Rows of a table inside a passage, cell by cell with the column that each stands in.

Reads the spellings that chunks and models use: records ("Period: 24 months; Hours: 6,000"),
Markdown, bars without a header, and lines of a table whose ruling was lost. Pure functions.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from chat.quantities import DESIGNATION
from chat.sentences import Span

RULE = re.compile(r"^\s*\|?\s*:?-{2,}:?\s*(?:\|\s*:?-{2,}:?\s*)*\|?\s*$")
# A name may stand before the first column: "Flow; Heron 40: 42 m³/h".
NAMED_VALUE = re.compile(r"[^\s:;.][^:;.]{0,59}: \S")
COLUMN_GAP = re.compile(r"\t+| {2,}")
# The words of prose; a line of a table hardly holds them.
PROSE = re.compile(
    r"\b(?:the|is|are|was|were|be|been|has|have|must|may|can|will|that|this|it|they|you|we)\b", re.I
)
PROSE_END = re.compile(r"[.,;:!?]\s*$")
LONGEST_LINE = 200


@dataclass(frozen=True)
class Cell:
    """A value and the name of its column, empty where the table has lost it."""

    header: str
    value: str


@dataclass(frozen=True)
class Row:
    """A line of a table; `is_certain` when its cells are known to stand below their headers."""

    span: Span
    cells: tuple[Cell, ...]
    is_certain: bool = True
    # The line of column names above it, where nobody can tell which is whose.
    header: str = ""


def read_rows(text: str) -> list[Row]:
    """All rows of a text in order; headers and rules are none."""
    lines = list(_lines(text))
    rows: list[Row] = []
    for kind, group in groupby(lines, key=lambda line: _kind(text[line.start : line.end])):
        block = list(group)
        if kind == "record":
            rows += [Row(span, tuple(_record(text[span.start : span.end]))) for span in block]
        elif kind == "barred":
            rows += _barred(text, block)
        elif kind == "gapped":
            rows += _gapped(text, block)
        elif kind == "loose":
            rows += _loose(text, block, _line_before(text, lines, block[0]))
    return rows


def _lines(text: str) -> Iterator[Span]:
    start = 0
    for line in text.splitlines(keepends=True):
        bare = line.strip()
        left = start + len(line) - len(line.lstrip())
        yield Span(left, left + len(bare))
        start += len(line)


def _kind(line: str) -> str:
    if not line:
        return "blank"
    if line.startswith("|") or " | " in line or (RULE.match(line) and "|" in line):
        return "barred"
    if _is_record(line):
        return "record"
    if COLUMN_GAP.search(line) and not PROSE_END.search(line):
        return "gapped"
    return "loose" if _is_loose(line) else "prose"


def _is_record(line: str) -> bool:
    """Whether most parts are values with their column's name; the first may be a name alone."""
    parts = line.split("; ")
    named = [bool(NAMED_VALUE.match(part)) for part in parts]
    return len(parts) > 1 and any(named[:2]) and sum(named) >= 2 * len(parts) / 3


def _is_loose(line: str) -> bool:
    """Whether a line has the look of cells side by side: figures, and no sentence around them."""
    if len(line) > LONGEST_LINE or PROSE_END.search(line) or PROSE.search(line):
        return False
    if line.startswith(("#", ">", "- ", "* ", "• ")):
        return False
    tokens = line.split()
    figures = sum(_is_value(token) for token in tokens)
    # The last word may be a unit.
    return len(tokens) >= 2 and (figures >= 2 or any(map(_is_value, tokens[-2:])))


def _is_value(token: str) -> bool:
    return any(c.isdigit() for c in token)


def _record(line: str) -> list[Cell]:
    """A part without a name goes on with the value before it: "Dates: 3 Feb; 2 Jun"."""
    cells: list[Cell] = []
    for part in line.split("; "):
        header, colon, value = part.partition(": ")
        if colon and NAMED_VALUE.match(part):
            cells.append(Cell(header.strip(), value.strip()))
        elif cells:
            cells[-1] = Cell(cells[-1].header, f"{cells[-1].value}; {part.strip()}")
        else:
            cells.append(Cell("", part.strip()))
    return cells


def _barred(text: str, block: Sequence[Span]) -> Iterator[Row]:
    """Rows between bars: a line above a rule is their header; two cells are name and value."""
    lines = [text[span.start : span.end] for span in block]
    header: list[str] = []
    for index, (span, line) in enumerate(zip(block, lines, strict=True)):
        if RULE.match(line):
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if index + 1 < len(lines) and RULE.match(lines[index + 1]):
            header = cells
        elif not header and len(cells) == 2:
            yield Row(span, (Cell(cells[0], cells[1]),))
        else:
            yield Row(span, tuple(_below(header, cells)), is_certain=len(header) == len(cells))


def _below(header: Sequence[str], cells: Sequence[str]) -> Iterator[Cell]:
    for index, value in enumerate(cells):
        yield Cell(header[index] if len(header) == len(cells) else "", value)


def _line_before(text: str, lines: list[Span], first: Span) -> str:
    """The line above a block, if it may be its header."""
    index = lines.index(first)
    line = text[lines[index - 1].start : lines[index - 1].end] if index else ""
    is_header = line and not PROSE_END.search(line) and not PROSE.search(line)
    return line if is_header else ""


def _gapped(text: str, block: Sequence[Span]) -> Iterator[Row]:
    """Lines whose cells stand apart; a first line of names alone is their header."""
    split = [COLUMN_GAP.split(text[span.start : span.end]) for span in block]
    header = split[0] if not any(cell[:1].isdigit() for cell in split[0]) else []
    for span, cells in list(zip(block, split, strict=True))[bool(header) :]:
        yield Row(span, tuple(_below(header, cells)), is_certain=len(header) == len(cells))


def _loose(text: str, block: Sequence[Span], header: str) -> Iterator[Row]:
    """Lines of a table without ruling; one line alone is none."""
    if len(block) < 2:
        return
    names = header.split()
    for span in block:
        cells = _split(text[span.start : span.end])
        # Only one word per column tells which is whose.
        is_certain = len(names) == len(cells)
        loose = "" if is_certain else header
        yield Row(span, tuple(_below(names, cells)), is_certain, loose)


def _split(line: str) -> list[str]:
    """The name that a line begins with, then the figures at its end one by one."""
    named = DESIGNATION.match(line)
    tokens, values = line.split(), 0
    name = named[0].split() if named else tokens[:1]
    most = len(tokens) - (len(name) if len(name) < len(tokens) else 1)
    while values < most and _is_value(tokens[-1 - values]):
        values += 1
    return [" ".join(tokens[: len(tokens) - values]), *tokens[len(tokens) - values :]]
