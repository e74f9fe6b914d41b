"""Draws the blocks of a demo source as a PDF: contents, headings, tables, lists, warning boxes.

Needs reportlab, which only the generator uses. Knows nothing of what the text says.
"""

import re
from pathlib import Path
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor, white
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import (
    CondPageBreak,
    Flowable,
    KeepTogether,
    ListFlowable,
    NextPageTemplate,
    PageBreak,
    Spacer,
    TableStyle,
)
from reportlab.platypus import Paragraph as Text
from reportlab.platypus import Table as Grid
from reportlab.platypus.tableofcontents import TableOfContents

from phi3site.demo import COMPANY
from phi3site.demo.blocks import Block, Bullets, Callout, Heading, Paragraph, Source, Table
from phi3site.demo.pages import (
    BLUE,
    GREY,
    LINE,
    PALE,
    Sheet,
    has_no_cover,
    is_pocket,
    style,
)

CALLOUTS = {
    "Danger": (HexColor("#b3261e"), HexColor("#fbecea")),
    "Warning": (HexColor("#b86e00"), HexColor("#fdf3e2")),
    "Note": (BLUE, PALE),
}
BODY = style("body", 10.4, 16, spaceAfter=8)
CELL = style("cell", 9, 11.8)
HEAD_CELL = style("head-cell", 9, 11.8, white, fontName="Helvetica-Bold")
CHAPTER = style("chapter", 15, 19, BLUE, fontName="Helvetica-Bold", spaceBefore=15, spaceAfter=6)
SECTION = style("section", 11, 14, BLUE, fontName="Helvetica-Bold", spaceBefore=8, spaceAfter=4)
PADDINGS = ("TOPPADDING", "BOTTOMPADDING", "LEFTPADDING", "RIGHTPADDING")
# A chapter of a book with `chapters: page` begins on a new page unless this much is left.
OWN_PAGE = 175 * mm
HEADINGS = {1: CHAPTER, 2: SECTION}


def write_pdf(source: Source, path: Path) -> None:
    """Builds twice: the first pass counts the pages for "Page n of m"."""
    last_page = 0
    for _ in range(2):
        sheet = Sheet(path, source, last_page)
        last_page = sheet.build(_story(source, sheet.text_width))


def _story(source: Source, width: float) -> list[Flowable]:
    if has_no_cover(source):
        story = _letterhead(source, width)
    else:
        story = [NextPageTemplate("inside"), PageBreak(), *_contents(source), PageBreak()]
    has_own_pages = source.head.get("chapters") == "page"
    headings: list[Flowable] = []
    for block in source.blocks:
        if has_own_pages and isinstance(block, Heading) and block.level == 1:
            story.append(CondPageBreak(OWN_PAGE))
        flowables = _flowables(block, width)
        if isinstance(block, Heading):
            headings += flowables
            continue
        story += [KeepTogether([*headings, flowables[0]]), *flowables[1:]]
        headings = []
    return story


def _letterhead(source: Source, width: float) -> list[Flowable]:
    head = source.head
    name = Text(COMPANY.upper(), style("n", 8.5, 11, white, fontName="Helvetica-Bold"))
    title = Text(escape(source.title), style("t", 22, 27, white, fontName="Helvetica-Bold"))
    subtitle = Text(escape(head["subtitle"]), style("s", 12, 16, white))
    line = Text(escape(f"Issued {head['date']}   ·   {head['owner']}"), style("i", 8.5, 12, white))
    box = Grid([[name], [title], [subtitle], [line]], colWidths=[width])
    box.setStyle(
        [
            ("BACKGROUND", (0, 0), (-1, -1), BLUE),
            ("LEFTPADDING", (0, 0), (-1, -1), 14),
            ("TOPPADDING", (0, 0), (-1, 0), 14),
            ("BOTTOMPADDING", (0, -1), (-1, -1), 14),
        ]
    )
    return [box, Spacer(0, 4 * mm)]


def _contents(source: Source) -> list[Flowable]:
    contents = TableOfContents(dotsMinLevel=0)
    lead = 14 if is_pocket(source) else 11.4
    contents.levelStyles = [
        style("toc1", lead - 0.6, lead + 1.4, fontName="Helvetica-Bold", spaceBefore=2),
        style("toc2", lead - 1.6, lead, GREY, leftIndent=14),
    ]
    contents.tableStyle = TableStyle([(pad, (0, 0), (-1, -1), 0) for pad in PADDINGS])
    title = style("contents", 15, 19, BLUE, fontName="Helvetica-Bold", spaceAfter=8)
    return [Text("Contents", title), contents]


def _flowables(block: Block, width: float) -> list[Flowable]:
    match block:
        case Heading(level, text):
            return [Text(_inline(text), HEADINGS[level])]
        case Paragraph(text):
            return [Text(_inline(text), BODY)]
        case Callout(kind, text):
            return [_box(kind, text, width), Spacer(0, 8)]
        case Bullets(items, numbered):
            return [_list(items, numbered), Spacer(0, 5)]
        case Table(rows):
            return [_grid(rows, width), Spacer(0, 9)]


def _inline(text: str) -> str:
    return re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", escape(text)) or "&nbsp;"


def _list(items: tuple[str, ...], numbered: bool) -> ListFlowable:
    tight = ParagraphStyle("item", BODY, spaceAfter=2)
    return ListFlowable(
        [Text(_inline(item), tight) for item in items],
        bulletType="1" if numbered else "bullet",
        start=None if numbered else "•",
        bulletFontName="Helvetica",
        bulletFontSize=9.5,
        bulletColor=BLUE,
        leftIndent=15,
    )


def _box(kind: str, text: str, width: float) -> Grid:
    strong, pale = CALLOUTS[kind]
    label = Text(kind.upper(), style("label", 8.4, 13, strong, fontName="Helvetica-Bold"))
    box = Grid(
        [[label, Text(_inline(text), ParagraphStyle("w", BODY, spaceAfter=0))]],
        colWidths=[62, width - 62],
    )
    box.setStyle(
        [
            ("BACKGROUND", (0, 0), (-1, -1), pale),
            ("LINEBEFORE", (0, 0), (0, -1), 3, strong),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("TOPPADDING", (0, 0), (-1, -1), 6),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 7),
            ("RIGHTPADDING", (-1, 0), (-1, -1), 9),
        ]
    )
    return box


def _grid(rows: tuple[tuple[str, ...], ...], width: float) -> Grid:
    cells = [
        [Text(_inline(cell), HEAD_CELL if at == 0 else CELL) for cell in row]
        for at, row in enumerate(rows)
    ]
    grid = Grid(cells, colWidths=_widths(rows, width), repeatRows=1)
    grid.setStyle(
        [
            ("BACKGROUND", (0, 0), (-1, 0), BLUE),
            ("ROWBACKGROUNDS", (0, 1), (-1, -1), [white, PALE]),
            ("GRID", (0, 0), (-1, -1), 0.5, LINE),
            ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
            ("TOPPADDING", (0, 0), (-1, -1), 3.5),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 4.5),
        ]
    )
    return grid


def _widths(rows: tuple[tuple[str, ...], ...], width: float) -> list[float]:
    """Shares the width by the longest cell, but never narrower than the longest word."""
    columns = list(zip(*rows, strict=True))
    words = [
        max(len(word) for cell in column for word in cell.split() or [""]) * 5.6 + 14
        for column in columns
    ]
    wishes = [
        max(min(max(len(cell) for cell in column), 46) * 4.6 + 14, least)
        for column, least in zip(columns, words, strict=True)
    ]
    spare, extra = width - sum(words), sum(wishes) - sum(words)
    if spare <= 0 or extra <= 0:
        return [width * wish / sum(wishes) for wish in wishes]
    return [
        least + (wish - least) * spare / extra for least, wish in zip(words, wishes, strict=True)
    ]
