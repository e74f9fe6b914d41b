"""Ruled tables: the lines drawn on a page → grids of cells.

Knows no text; a cell is an area, and where a line between two cells is missing they are one.
"""

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from knowledge.pdf.geometry import Area, Frame

# Lines closer than this are one, in points.
NEAR = 3.0
SHORTEST = 8.0
# A drawing with more lines than this is a picture, not a table.
MAX_LINES = 600
MAX_PATHS = 4_000


@dataclass(frozen=True)
class Rule:
    """A straight line: where it stands, and from where to where it goes."""

    at: float
    start: float
    end: float


@dataclass(frozen=True)
class Grid:
    """The cells of one table, row by row."""

    area: Area
    rows: tuple[tuple[Area, ...], ...]


def frame_of(page: pdfium.PdfPage) -> Frame:
    """How the page is turned and cut."""
    left, bottom, right, top = page.get_cropbox()
    if right - left < 1 or top - bottom < 1:
        # A page without size is drawn as a sheet of Letter.
        left, bottom, right, top = 0.0, 0.0, 612.0, 792.0
    return Frame(left, bottom, right, top, page.get_rotation() % 360)


def grids(page: pdfium.PdfPage) -> list[Grid]:
    """The tables of a page that are drawn with lines, from top to bottom."""
    level: list[Rule] = []
    upright: list[Rule] = []
    for x0, y0, x1, y1 in _segments(page, frame_of(page)):
        if abs(y0 - y1) <= 1 and abs(x0 - x1) >= SHORTEST:
            level.append(Rule((y0 + y1) / 2, min(x0, x1), max(x0, x1)))
        elif abs(x0 - x1) <= 1 and abs(y0 - y1) >= SHORTEST:
            upright.append(Rule((x0 + x1) / 2, min(y0, y1), max(y0, y1)))
    level, upright = _joined(level), _joined(upright)
    if len(level) > MAX_LINES or len(upright) > MAX_LINES:
        return []
    found = [grid for group in _connected(level, upright) if (grid := _grid(*group))]
    return sorted(found, key=lambda grid: grid.area.top)


def _segments(page: pdfium.PdfPage, frame: Frame) -> Iterator[tuple[float, float, float, float]]:
    """All straight pieces of the page's stroked paths and thin filled boxes."""
    for number, path in enumerate(page.get_objects([raw.FPDF_PAGEOBJ_PATH], max_depth=1)):
        if number >= MAX_PATHS:
            return
        if not _is_line_work(path):
            continue
        matrix, points = path.get_matrix(), []
        x, y = ctypes.c_float(), ctypes.c_float()
        for index in range(min(raw.FPDFPath_CountSegments(path.raw), 400)):
            segment = raw.FPDFPath_GetPathSegment(path.raw, index)
            raw.FPDFPathSegment_GetPoint(segment, x, y)
            kind = raw.FPDFPathSegment_GetType(segment)
            point = frame.point(*matrix.on_point(x.value, y.value))
            if kind == raw.FPDF_SEGMENT_MOVETO:
                points = [point]
            elif kind == raw.FPDF_SEGMENT_LINETO and points:
                yield (*points[-1], *point)
                points.append(point)
            if raw.FPDFPathSegment_GetClose(segment) and points:
                yield (*points[-1], *points[0])


def _is_line_work(path: pdfium.PdfObject) -> bool:
    """Stroked, or a filled box so thin that it is meant as a line."""
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    raw.FPDFPath_GetDrawMode(path.raw, fill, stroke)
    if stroke.value:
        return True
    left, bottom, right, top = path.get_bounds()
    return bool(min(right - left, top - bottom) <= NEAR)


def _joined(rules: list[Rule]) -> list[Rule]:
    """Pieces of one line put together, doubles left out."""
    joined: list[Rule] = []
    for rule in sorted(rules, key=lambda rule: (round(rule.at), rule.start)):
        last = joined[-1] if joined else None
        if last and abs(last.at - rule.at) <= 1 and _overlap(last, rule):
            joined[-1] = Rule(last.at, last.start, max(last.end, rule.end))
        else:
            joined.append(rule)
    return joined


def _overlap(one: Rule, other: Rule) -> bool:
    return other.start <= one.end + NEAR and one.start <= other.end + NEAR


def _connected(level: list[Rule], upright: list[Rule]) -> Iterator[tuple[list[Rule], list[Rule]]]:
    """Groups of lines that cross or touch."""
    left = set(range(len(upright)))
    rows = set(range(len(level)))
    while rows:
        group_rows, group_columns, todo = set(), set(), [rows.pop()]
        group_rows.update(todo)
        while todo:
            row = todo.pop()
            crossing = {i for i in left if _touch(level[row], upright[i])}
            left -= crossing
            group_columns |= crossing
            reached = {r for r in rows if any(_touch(level[r], upright[i]) for i in crossing)}
            rows -= reached
            group_rows |= reached
            todo.extend(reached)
        yield [level[i] for i in sorted(group_rows)], [upright[i] for i in sorted(group_columns)]


def _touch(level: Rule, upright: Rule) -> bool:
    return (
        level.start - NEAR <= upright.at <= level.end + NEAR
        and upright.start - NEAR <= level.at <= upright.end + NEAR
    )


def _grid(level: list[Rule], upright: list[Rule]) -> Grid | None:
    """At least two rows and two columns, else it is a frame and no table."""
    ys, xs = _places(level), _places(upright)
    if len(ys) < 3 or len(xs) < 3:
        return None
    rows = []
    for top, bottom in pairwise(ys):
        middle = (top + bottom) / 2
        edges = [
            x
            for x in xs
            if any(abs(r.at - x) <= NEAR and r.start <= middle <= r.end for r in upright)
        ]
        if len(edges) >= 2:
            rows.append(tuple(Area(a, top, b, bottom) for a, b in pairwise(edges)))
    if max((len(row) for row in rows), default=0) < 2:
        return None
    return Grid(Area(xs[0], ys[0], xs[-1], ys[-1]), tuple(rows))


def _places(rules: list[Rule]) -> list[float]:
    """Where lines stand, near ones counted once."""
    places: list[float] = []
    for at in sorted(rule.at for rule in rules):
        if not places or at - places[-1] > NEAR:
            places.append(at)
    return places
