"""Draws a demo source as a PDF: cover, contents, running heads, tables, warning boxes.

Needs reportlab, which only the generator uses. Knows nothing of what the text says.
"""

import re
from pathlib import Path
from xml.sax.saxutils import escape

from reportlab import rl_config
from reportlab.lib.colors import Color, HexColor, white
from reportlab.lib.pagesizes import A4, A5
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    Frame,
    KeepTogether,
    ListFlowable,
    NextPageTemplate,
    PageBreak,
    PageTemplate,
    Spacer,
    TableStyle,
)
from reportlab.platypus import Paragraph as Text
from reportlab.platypus import Table as Grid
from reportlab.platypus.tableofcontents import TableOfContents

from phi3site.demo import COMPANY
from phi3site.demo.blocks import Block, Bullets, Callout, Heading, Paragraph, Source, Table

rl_config.invariant = 1

BLUE = HexColor("#17486b")
PALE = HexColor("#eaf1f6")
INK = HexColor("#1d2730")
GREY = HexColor("#66737e")
LINE = HexColor("#c6d2db")
CALLOUTS = {
    "Danger": (HexColor("#b3261e"), HexColor("#fbecea")),
    "Warning": (HexColor("#b86e00"), HexColor("#fdf3e2")),
    "Note": (BLUE, PALE),
}


def style(
    name: str, size: float, lead: float, color: Color = INK, **more: object
) -> ParagraphStyle:
    font = more.pop("fontName", "Helvetica")
    return ParagraphStyle(name, fontName=font, fontSize=size, leading=lead, textColor=color, **more)


BODY = style("body", 10.4, 16, spaceAfter=8)
CELL = style("cell", 9, 11.8)
HEAD_CELL = style("head-cell", 9, 11.8, white, fontName="Helvetica-Bold")
CHAPTER = style("chapter", 15, 19, BLUE, fontName="Helvetica-Bold", spaceBefore=15, spaceAfter=6)
SECTION = style("section", 11, 14, BLUE, fontName="Helvetica-Bold", spaceBefore=8, spaceAfter=4)
PADDINGS = ("TOPPADDING", "BOTTOMPADDING", "LEFTPADDING", "RIGHTPADDING")
# A chapter of a book with `chapters: page` begins on a new page unless this much is left.
OWN_PAGE = 175 * mm
HEADINGS = {1: CHAPTER, 2: SECTION}


class Sheet(BaseDocTemplate):
    """A document that collects its chapters for the contents page and the outline."""

    def __init__(self, path: Path, source: Source, last_page: int) -> None:
        size = A5 if _is_pocket(source) else A4
        super().__init__(
            str(path),
            pagesize=size,
            title=f"{source.title} ({source.head['number']})",
            author=COMPANY,
            subject=source.head["subtitle"],
        )
        self.source, self.last_page = source, last_page
        width, height = size
        side = 15 * mm if size == A5 else 23 * mm
        frame = Frame(side, 19 * mm, width - 2 * side, height - 41 * mm, 0, 0, 0, 0, id="text")
        self.text_width = width - 2 * side
        self.side = side
        cover = PageTemplate("cover", [frame], onPage=self.draw_cover)
        inside = PageTemplate("inside", [frame], onPage=self.draw_inside)
        self.addPageTemplates([inside] if source.head.get("cover") == "no" else [cover, inside])

    def afterFlowable(self, flowable: Flowable) -> None:
        name = getattr(getattr(flowable, "style", None), "name", "")
        if name not in ("chapter", "section"):
            return
        level = 0 if name == "chapter" else 1
        text = flowable.getPlainText()
        key = f"h{self.seq.nextf('heading')}"
        self.canv.bookmarkPage(key)
        self.canv.addOutlineEntry(text, key, level)
        if level == 0 or not _is_pocket(self.source):
            self.notify("TOCEntry", (level, escape(text), self.page, key))

    def draw_cover(self, canvas: Canvas, _doc: BaseDocTemplate) -> None:
        width, height = self.pagesize
        canvas.setFillColor(BLUE)
        canvas.rect(0, height * 0.42, width, height * 0.58, stroke=0, fill=1)
        _draw_ripples(canvas, width, height * 0.42)
        canvas.setFillColor(white)
        canvas.setFont("Helvetica-Bold", 10)
        canvas.drawString(self.side, height - 22 * mm, COMPANY.upper())
        title = Text(
            escape(self.source.title), style("t", 30, 35, white, fontName="Helvetica-Bold")
        )
        subtitle = Text(escape(self.source.head["subtitle"]), style("s", 13, 18, white))
        _, tall = title.wrap(self.text_width, height)
        title.drawOn(canvas, self.side, height * 0.72 - tall / 2)
        _, low = subtitle.wrap(self.text_width, height)
        subtitle.drawOn(canvas, self.side, height * 0.72 - tall / 2 - low - 5 * mm)
        self._draw_imprint(canvas, height * 0.42 - 16 * mm)

    def _draw_imprint(self, canvas: Canvas, y: float) -> None:
        head = self.source.head
        lines = [
            ("Document", head["number"]),
            ("Issued", head["date"]),
            ("Owner", head["owner"]),
            ("Place", "Millrace Road 12, Kellerby"),
        ]
        for at, (label, value) in enumerate(lines):
            canvas.setFillColor(GREY)
            canvas.setFont("Helvetica", 9)
            canvas.drawString(self.side, y - at * 6.5 * mm, label)
            canvas.setFillColor(INK)
            canvas.drawString(self.side + 24 * mm, y - at * 6.5 * mm, value)

    def draw_inside(self, canvas: Canvas, _doc: BaseDocTemplate) -> None:
        width, height = self.pagesize
        right = width - self.side
        canvas.setStrokeColor(LINE)
        canvas.setLineWidth(0.6)
        canvas.line(self.side, height - 16 * mm, right, height - 16 * mm)
        canvas.line(self.side, 14 * mm, right, 14 * mm)
        canvas.setFont("Helvetica", 7.8)
        canvas.setFillColor(GREY)
        canvas.drawString(self.side, height - 13.5 * mm, COMPANY)
        canvas.drawRightString(right, height - 13.5 * mm, self.source.title)
        canvas.drawString(self.side, 9.5 * mm, self.source.head["number"])
        canvas.drawRightString(right, 9.5 * mm, f"Page {self.page} of {self.last_page}")


def write_pdf(source: Source, path: Path) -> None:
    """Builds twice: the first pass counts the pages for "Page n of m"."""
    first = Sheet(path, source, 0)
    first.multiBuild(_story(source, first.text_width))
    final = Sheet(path, source, first.page)
    final.multiBuild(_story(source, final.text_width))


def _story(source: Source, width: float) -> list[Flowable]:
    if source.head.get("cover") == "no":
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


def _is_pocket(source: Source) -> bool:
    return source.head.get("paper") == "A5"


def _contents(source: Source) -> list[Flowable]:
    contents = TableOfContents(dotsMinLevel=0)
    lead = 14 if _is_pocket(source) else 11.4
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


def _draw_ripples(canvas: Canvas, width: float, y: float) -> None:
    """Water rings at the lower right of the cover's blue field."""
    canvas.saveState()
    path = canvas.beginPath()
    path.rect(0, y, width, y * 2)
    canvas.clipPath(path, stroke=0)
    canvas.setStrokeColor(HexColor("#3f7aa3"))
    canvas.setLineWidth(1.1)
    for ring in range(1, 9):
        canvas.circle(width * 0.82, y, ring * 13 * mm * (0.6 + ring * 0.06), stroke=1, fill=0)
    canvas.restoreState()
