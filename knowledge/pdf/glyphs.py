"""The characters of a page → its lines and the cells of its tables, each with its place.

Follows the order in which the file draws, as pdfium does. Knows no paragraph and no heading.
"""

import ctypes
from dataclasses import dataclass, field
from statistics import median_low
from typing import Any, NamedTuple

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from knowledge.pdf.geometry import Area, Frame, union
from knowledge.pdf.rules import Grid, frame_of

# Characters lower than this can't be seen, in points.
SMALLEST = 1.5
# A gap wider than this many line heights parts two cells.
CELL_GAP = 1.1
MAX_CHARACTERS = 200_000


@dataclass(frozen=True)
class TextLine:
    """One line as it stands on the page."""

    text: str
    area: Area
    # Height of most of its characters: one odd sign must not make a heading of a line.
    size: float
    is_bold: bool
    # The parts of the line that wide gaps set apart.
    cells: tuple[tuple[str, Area], ...] = ()


@dataclass(frozen=True)
class RuledTable:
    """A table drawn with lines: its rows of texts, and each row's place."""

    rows: tuple[tuple[str, ...], ...]
    areas: tuple[Area, ...]


@dataclass
class PageText:
    """All text of one page, tables standing between the lines before and after them."""

    number: int
    frame: Frame
    lines: list[TextLine] = field(default_factory=list)
    # Table → how many lines stand before it.
    tables: list[tuple[int, RuledTable]] = field(default_factory=list)
    hidden: int = 0
    # As many as the page has; those beyond the limit are not read.
    characters: int = 0


class _Glyph(NamedTuple):
    char: str
    area: Area | None


def read_page(page: pdfium.PdfPage, number: int, grids: list[Grid]) -> PageText:
    """Lines and ruled tables of a page."""
    frame = frame_of(page)
    result = PageText(number, frame)
    width, height = frame.size
    seen, box = Area(-2, -2, width + 2, height + 2), raw.FS_RECTF()
    text_page = page.get_textpage()
    cells: dict[tuple[int, int, int], list[_Glyph]] = {}
    places: dict[int, int] = {}
    line: list[_Glyph] = []
    first = 0
    result.characters = text_page.count_chars()
    count = min(result.characters, MAX_CHARACTERS)
    for index in range(count):
        glyph = _glyph(text_page.raw, index, frame, seen, box)
        if glyph is None:
            result.hidden += 1
            continue
        cell = _cell(glyph, grids)
        if cell is not None:
            places.setdefault(cell[0], len(result.lines) + bool(line))
            cells.setdefault(cell, []).append(glyph)
        elif glyph.char == "\n" or (places and line and glyph.area and _is_apart(line, glyph)):
            _end(line, result, text_page.raw, first)
            line = []
        if cell is None and glyph.char not in "\r\n":
            first = first if line else index
            line.append(glyph)
        elif cell is not None and glyph.char in " \n" and line:
            line.append(_Glyph(" ", None))
    _end(line, result, text_page.raw, first)
    _fill_tables(result, grids, cells, places)
    text_page.close()
    return result


def _glyph(
    text_page: ctypes.c_void_p, index: int, frame: Frame, seen: Area, box: Any
) -> _Glyph | None:
    """The character and its place; None when nobody could see it. `box` is used again and again."""
    code = raw.FPDFText_GetUnicode(text_page, index)
    if code in (0, 0xFFFE, 0xFFFF):
        return _Glyph("", None)
    char = "\u00ad" if code == 2 else chr(code)
    if char in "\r\n" or raw.FPDFText_IsGenerated(text_page, index):
        return _Glyph(char, None)
    if not raw.FPDFText_GetLooseCharBox(text_page, index, box):
        return _Glyph(char, None)
    area = frame.area(box.left, box.bottom, box.right, box.top)
    left, top, right, bottom = area
    is_inside = seen.holds((left + right) / 2, (top + bottom) / 2)
    if not is_inside or (bottom - top < SMALLEST and right - left < SMALLEST):
        return None if not char.isspace() else _Glyph(char, None)
    return _Glyph(char, area)


def _cell(glyph: _Glyph, grids: list[Grid]) -> tuple[int, int, int] | None:
    """Table, row and column in which the character stands."""
    if not grids or glyph.area is None:
        return None
    x, y = glyph.area.center
    for number, grid in enumerate(grids):
        if not grid.area.holds(x, y):
            continue
        for row, areas in enumerate(grid.rows):
            for column, area in enumerate(areas):
                if area.holds(x, y):
                    return number, row, column
    return None


def _is_apart(line: list[_Glyph], glyph: _Glyph) -> bool:
    """Whether the character belongs to another line: a table stood between, unseen."""
    last = next((g.area for g in reversed(line) if g.area), None)
    return bool(last and glyph.area and abs(last.center[1] - glyph.area.center[1]) > last.height)


def _end(line: list[_Glyph], result: PageText, text_page: ctypes.c_void_p, first: int) -> None:
    """Adds the line to the page, if it says anything."""
    seen = [glyph.area for glyph in line if glyph.area and not glyph.char.isspace()]
    text = " ".join("".join(glyph.char for glyph in line).split())
    if seen and text:
        size = median_low(area.height for area in seen)
        is_bold = _is_bold(text_page, first)
        result.lines.append(TextLine(text, union(seen), size, is_bold, _parts(line)))


def _is_bold(text_page: ctypes.c_void_p, index: int) -> bool:
    """By the font's weight, or by its name where the file gives none."""
    if raw.FPDFText_GetFontWeight(text_page, index) >= 600:
        return True
    buffer, flags = ctypes.create_string_buffer(128), ctypes.c_int()
    raw.FPDFText_GetFontInfo(text_page, index, buffer, 128, flags)
    name = buffer.value.lower()
    return any(word in name for word in (b"bold", b"black", b"heavy"))


def _parts(line: list[_Glyph]) -> tuple[tuple[str, Area], ...]:
    """The line cut at its wide gaps."""
    parts: list[list[_Glyph]] = [[]]
    edge: float | None = None
    for glyph in line:
        if glyph.area and not glyph.char.isspace():
            if edge is not None and glyph.area.left - edge > CELL_GAP * glyph.area.height:
                parts.append([])
            edge = glyph.area.right
        parts[-1].append(glyph)
    return tuple(
        (" ".join("".join(g.char for g in part).split()), union(areas))
        for part in parts
        if (areas := [g.area for g in part if g.area and not g.char.isspace()])
    )


def _fill_tables(
    result: PageText,
    grids: list[Grid],
    cells: dict[tuple[int, int, int], list[_Glyph]],
    places: dict[int, int],
) -> None:
    """Turns the characters of each grid into rows of texts."""
    for number, grid in enumerate(grids):
        rows, areas = [], []
        edges = sorted({area.left for row in grid.rows for area in row})
        for row, columns in enumerate(grid.rows):
            texts = [
                _cell_text(cells.get((number, row, column), [])) for column in range(len(columns))
            ]
            if any(texts):
                rows.append(_spread(texts, columns, edges))
                areas.append(union(columns))
        if rows:
            result.tables.append((places[number], _with_one_header(rows, areas)))


def _spread(
    texts: list[str], columns: tuple[Area, ...], edges: list[float]
) -> tuple[tuple[str, bool], ...]:
    """A text for each of the table's columns, and whether it spans several."""
    spread: list[tuple[str, bool]] = []
    for edge in edges:
        at = next((i for i, a in enumerate(columns) if a.left <= edge < a.right), None)
        if at is None:
            spread.append(("", False))
        else:
            spans = sum(columns[at].left <= other < columns[at].right for other in edges) > 1
            spread.append((texts[at], spans))
    return tuple(spread)


def _with_one_header(rows: list[tuple[tuple[str, bool], ...]], areas: list[Area]) -> RuledTable:
    """Joins the first two rows when cells of the first stand above several columns."""
    texts = [tuple(text for text, _spans in row) for row in rows]
    spanning = {text for text, spans in rows[0] if spans}
    if len(rows) > 2 and spanning and len(set(texts[0])) > 1:
        header = tuple(
            " ".join(dict.fromkeys(filter(None, pair))) for pair in zip(*texts[:2], strict=True)
        )
        return RuledTable((header, *texts[2:]), (union(areas[:2]), *areas[2:]))
    return RuledTable(tuple(texts), tuple(areas))


def _cell_text(glyphs: list[_Glyph]) -> str:
    """The cell's words; a new line or a gap parts two."""
    text, last = "", None
    for glyph in glyphs:
        if last and glyph.area and text and not text.endswith(" "):
            is_below = abs(glyph.area.center[1] - last.center[1]) > last.height / 2
            if is_below or glyph.area.left - last.right > 0.18 * last.height:
                text += " "
        text += glyph.char
        last = glyph.area or last
    return " ".join(text.split())
