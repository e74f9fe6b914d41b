"""Lines → headings, paragraphs, list items and aligned tables. Pure functions.

Decides by size, weight, distance and alignment; knows no pdfium.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from knowledge.blocks import Block, Line
from knowledge.pdf.columns import find_tables
from knowledge.pdf.geometry import Area, union
from knowledge.pdf.glyphs import PageText, RuledTable, TextLine

LONGEST_HEADING = 160
_BULLET = re.compile(r"^(?:[•◦▪■●○–·‣\uf0b7]|[-*])\s+|^\(?(?:\d{1,2}|[a-z])[.)]\s+")
_NUMBERED = re.compile(r"^(\d{1,2}(?:\.\d{1,2}){0,4})\.?\s+\S")
_ENDS = (".", ",", ";", ":", "?", "!")


@dataclass(frozen=True)
class Style:
    """What is ordinary in this document: the height of a body line, and of its headings."""

    body: float
    # Heights above the body's, the greatest first.
    headings: tuple[float, ...]


def style_of(pages: list[PageText]) -> Style:
    """The body's height is the one most characters have."""
    sizes: Counter[float] = Counter()
    for page in pages:
        for line in page.lines:
            sizes[_size(line)] += len(line.text)
    body = sizes.most_common(1)[0][0] if sizes else 10.0
    larger = {_size(line) for page in pages for line in page.lines if _size(line) >= 1.12 * body}
    return Style(body, tuple(sorted(larger, reverse=True)[:6]))


def _size(line: TextLine) -> float:
    return round(line.size * 2) / 2


def blocks_of_page(page: PageText, style: Style) -> Iterator[Block]:
    """The page's blocks in reading order, with their places."""
    start = 0
    for place, table in [*sorted(page.tables, key=lambda item: item[0]), (len(page.lines), None)]:
        yield from _blocks(page.lines[start:place], page, style)
        start = place
        if table is not None:
            yield _table(page, table.rows, table.areas)


def _blocks(lines: list[TextLine], page: PageText, style: Style) -> Iterator[Block]:
    tables = {table.first: table for table in find_tables(lines)}
    taken = frozenset(index for table in tables.values() for index in table.taken)
    index = 0
    while index < len(lines):
        if (table := tables.get(index)) is not None:
            yield _table(page, table.rows, table.areas, has_header=table.has_header)
        if index in taken:
            index += 1
            continue
        level = _heading_level(lines, index, style)
        end = index + 1
        while end < len(lines) and end not in taken and _belongs(lines, end, style, level):
            end += 1
        if level:
            yield _text("heading", lines[index:end], page, level)
        else:
            kind = "list_item" if _BULLET.match(lines[index].text) else "paragraph"
            yield _text(kind, lines[index:end], page)
        index = end


def _belongs(lines: list[TextLine], index: int, style: Style, level: int) -> bool:
    """Whether a line goes on with the heading, or the paragraph, of the line before."""
    if level:
        return _goes_on(lines, index, style, level)
    same = _same_paragraph(lines[index - 1], lines[index])
    return same and not _heading_level(lines, index, style)


def _heading_level(lines: list[TextLine], index: int, style: Style) -> int:
    """1 for the highest heading, 0 for no heading."""
    line = lines[index]
    text = line.text
    if len(text) > LONGEST_HEADING or not any(char.isalpha() for char in text):
        return 0
    size = _size(line)
    if size in style.headings and not text.endswith((",", ";")):
        return style.headings.index(size) + 1
    if not line.is_bold or size < style.body - 0.5 or text.endswith(_ENDS) or len(text) > 100:
        return 0
    before = lines[index - 1] if index else None
    after = lines[index + 1] if index + 1 < len(lines) else None
    stands_alone = before is None or before.is_bold or not _is_close(before, line)
    leads = after is None or not after.is_bold or not _is_close(line, after)
    if not (stands_alone and leads) or len(line.cells) > 1:
        return 0
    numbered = _NUMBERED.match(text)
    depth = numbered.group(1).count(".") if numbered else 0
    return min(6, len(style.headings) + 1 + depth)


def _goes_on(lines: list[TextLine], index: int, style: Style, level: int) -> bool:
    """Whether the heading continues on this line."""
    line, before = lines[index], lines[index - 1]
    return (
        _heading_level(lines, index, style) == level
        and _is_close(before, line)
        and not _NUMBERED.match(line.text)
        and line.is_bold == before.is_bold
    )


def _is_close(before: TextLine, line: TextLine) -> bool:
    """Whether the line stands right below the one before."""
    gap = line.area.top - before.area.bottom
    height = min(before.size, line.size)
    return -0.5 * height < gap < 0.55 * height


def _same_paragraph(before: TextLine, line: TextLine) -> bool:
    if _BULLET.match(line.text) or abs(before.size - line.size) > 2.5:
        return False
    if _is_close(before, line):
        return True
    # The paragraph may go on at the top of the next column.
    moved_up = line.area.bottom < before.area.top
    return moved_up and line.text[:1].islower() and not before.text.endswith(_ENDS[:1])


def _text(kind: str, lines: list[TextLine], page: PageText, level: int = 0) -> Block:
    """One block of several lines; words cut at a line's end are put together."""
    text, places = "", []
    for line in lines:
        if text.endswith("\u00ad") or (re.search(r"[^\W\d_]-$", text) and line.text[:1].islower()):
            text = text[:-1]
        elif text:
            text += "\n" if len(line.cells) > 2 else " "
        start = len(text)
        text += line.text
        places.append(Line(start, len(text), page.number, page.frame.share(line.area)))
    if kind == "list_item":
        text, places = _without_bullet(text, places)
    return Block(kind, text, level=level, page=page.number, lines=tuple(places))  # type: ignore[arg-type]


def _without_bullet(text: str, places: list[Line]) -> tuple[str, list[Line]]:
    """Signs go, numbers and letters stay: other text may refer to them."""
    found = re.match(r"^[•◦▪■●○–·‣\uf0b7*-]\s+", text)
    cut = found.end() if found else 0
    moved = [Line(max(0, p.start - cut), p.end - cut, p.page, p.box) for p in places]
    return text[cut:], moved


def _table(
    page: PageText,
    rows: tuple[tuple[str, ...], ...],
    areas: tuple[Area, ...],
    *,
    has_header: bool = True,
) -> Block:
    """A table with one place per row."""
    text, places = "", []
    for row, area in zip(rows, areas, strict=True):
        start = len(text)
        text += " | ".join(row) + "\n"
        places.append(Line(start, len(text) - 1, page.number, page.frame.share(union([area]))))
    return Block(
        "table",
        text.rstrip(),
        page=page.number,
        lines=tuple(places),
        rows=rows,
        has_header=has_header,
    )


__all__ = ["RuledTable", "Style", "blocks_of_page", "style_of"]
