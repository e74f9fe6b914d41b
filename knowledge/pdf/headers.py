"""The header of a table without lines: what stands above its columns, over one line or several.

A line may name one column or span many; the nearest words above a column are its own. Pure
functions.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from knowledge.pdf.geometry import Area, union
from knowledge.pdf.glyphs import TextLine

MOST_LINES = 24
MOST_LABELS = 3
LONGEST_PART = 70
# How far above the last line the next may stand, in line heights.
_NEAR = 1.9
# How far words may stand beside a column that they head, in distances between columns.
_BESIDE = 0.8

Stretch = tuple[float, float]


@dataclass(frozen=True)
class Header:
    """The header row, and the labels that stand between it and the first row."""

    row: tuple[str, ...]
    area: Area
    # By their place among the lines of the page.
    lines: tuple[int, ...]
    labels: tuple[int, ...]


def find_header(
    lines: list[TextLine], free: Iterable[int], first: Area, columns: tuple[Stretch, ...]
) -> Header | None:
    """The header above a row at `first`; only `free` lines may be part of it."""
    above = sorted(
        (index for index in free if lines[index].area.bottom < first.top + 0.4 * first.height),
        key=lambda index: -lines[index].area.bottom,
    )
    headings: list[int] = []
    labels: list[int] = []
    top = first.top
    for index in above[:MOST_LINES]:
        line = lines[index]
        if top - line.area.bottom > _NEAR * line.area.height:
            break
        if _is_heading(line, columns) or _is_unit(line, columns):
            headings.append(index)
        elif all(_is_unit(lines[h], columns) for h in headings) and _is_label(line, columns):
            labels.append(index)
        else:
            break
        top = min(top, line.area.top)
    if len(labels) > MOST_LABELS or not any(_is_heading(lines[h], columns) for h in headings):
        return None
    return _header(lines, headings, tuple(sorted(labels)), columns)


def _header(
    lines: list[TextLine],
    headings: list[int],
    labels: tuple[int, ...],
    columns: tuple[Stretch, ...],
) -> Header:
    parts = [part for index in headings for part in lines[index].cells]
    row = (_text(_own(parts, columns)), *(_text(found) for found in _assigned(parts, columns)))
    area = union(lines[index].area for index in headings)
    return Header(row, area, tuple(headings), labels)


def _is_heading(line: TextLine, columns: tuple[Stretch, ...]) -> bool:
    """Short words above columns; to their left at most a unit or the label's own name."""
    over = [area for _text, area in line.cells if area.center[0] > columns[0][0] - _slack(columns)]
    beside = len(line.cells) - len(over)
    is_short = all(len(text) <= LONGEST_PART for text, _area in line.cells)
    starts_over = all(area.left > columns[0][0] - 2 * _slack(columns) for area in over)
    return bool(over) and is_short and starts_over and beside <= 1


def _is_label(line: TextLine, columns: tuple[Stretch, ...]) -> bool:
    return (
        len(line.cells) == 1
        and len(line.text) <= LONGEST_PART
        and line.area.right < columns[0][0] + _slack(columns)
    )


def _is_unit(line: TextLine, columns: tuple[Stretch, ...]) -> bool:
    """Such as “(in millions)”, beside the header's lines."""
    return line.text.startswith("(") and _is_label(line, columns)


def _slack(columns: tuple[Stretch, ...]) -> float:
    """Half the distance between two columns, or the width of a single one."""
    if len(columns) < 2:
        return 0.8 * (columns[0][1] - columns[0][0]) + 10
    return 0.5 * (_centre(columns[-1]) - _centre(columns[0])) / (len(columns) - 1)


def _centre(stretch: Stretch) -> float:
    return (stretch[0] + stretch[1]) / 2


def _own(parts: list[tuple[str, Area]], columns: tuple[Stretch, ...]) -> list[tuple[str, Area]]:
    """What names the label's column."""
    return [(t, a) for t, a in parts if a.center[0] <= columns[0][0] - _slack(columns)]


def _assigned(
    parts: list[tuple[str, Area]], columns: tuple[Stretch, ...]
) -> list[list[tuple[str, Area]]]:
    """For each column the nearest words of every line of the header."""
    beside = _own(parts, columns)
    lines: list[list[tuple[str, Area]]] = []
    for part in sorted((p for p in parts if p not in beside), key=lambda p: p[1].center[1]):
        if lines and _same_height(lines[-1][0][1], part[1]):
            lines[-1].append(part)
        else:
            lines.append([part])
    found: list[list[tuple[str, Area]]] = []
    for column in columns:
        nearest = (min(line, key=lambda part: _distance(part[1], column)) for line in lines)
        most = 2 * _BESIDE * _slack(columns)
        found.append([part for part in nearest if _distance(part[1], column) <= most])
    return found


def _same_height(one: Area, other: Area) -> bool:
    return abs(one.center[1] - other.center[1]) < 0.5 * min(one.height, other.height)


def _distance(area: Area, column: Stretch) -> float:
    """From the middle of the column to the words; none when they stand above it."""
    middle = _centre(column)
    return max(0.0, area.left - middle, middle - area.right)


def _text(parts: list[tuple[str, Area]]) -> str:
    ordered = sorted(parts, key=lambda part: (round(part[1].center[1]), part[1].left))
    return " ".join(dict.fromkeys(text for text, _area in ordered))
