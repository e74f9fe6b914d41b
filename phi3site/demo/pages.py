"""The paper of a demo PDF: size, cover, running heads and colours.

Needs reportlab, which only the generator uses. Knows no blocks.
"""

from pathlib import Path
from xml.sax.saxutils import escape

from reportlab import rl_config
from reportlab.lib.colors import Color, HexColor, white
from reportlab.lib.pagesizes import A4, A5
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, PageTemplate
from reportlab.platypus import Paragraph as Text

from phi3site.demo import COMPANY
from phi3site.demo.blocks import Source

# The same source gives the same bytes: no clock, no random ids.
rl_config.invariant = 1

BLUE = HexColor("#17486b")
PALE = HexColor("#eaf1f6")
INK = HexColor("#1d2730")
GREY = HexColor("#66737e")
LINE = HexColor("#c6d2db")


def style(
    name: str, size: float, lead: float, color: Color = INK, **more: object
) -> ParagraphStyle:
    font = more.pop("fontName", "Helvetica")
    return ParagraphStyle(name, fontName=font, fontSize=size, leading=lead, textColor=color, **more)


def is_pocket(source: Source) -> bool:
    """Whether it is printed small."""
    return source.head.get("paper") == "A5"


def has_no_cover(source: Source) -> bool:
    """Whether it begins with a letterhead instead of a cover and contents."""
    return source.head.get("cover") == "no"


class Sheet:
    """Draws cover and running heads, and notes chapters for the contents page and outline."""

    def __init__(self, path: Path, source: Source, last_page: int) -> None:
        self.size = size = A5 if is_pocket(source) else A4
        self.document = BaseDocTemplate(
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
        self.document.afterFlowable = self.note_heading
        self.document.addPageTemplates([inside] if has_no_cover(source) else [cover, inside])

    def build(self, story: list[Flowable]) -> int:
        """Writes the file; returns its number of pages."""
        self.document.multiBuild(story)
        return int(self.document.page)

    def note_heading(self, flowable: Flowable) -> None:
        """Called by reportlab after each flowable that it has placed."""
        name = getattr(getattr(flowable, "style", None), "name", "")
        if name not in ("chapter", "section"):
            return
        level = 0 if name == "chapter" else 1
        text = flowable.getPlainText()
        document = self.document
        key = f"h{document.seq.nextf('heading')}"
        document.canv.bookmarkPage(key)
        document.canv.addOutlineEntry(text, key, level)
        if level == 0 or not is_pocket(self.source):
            document.notify("TOCEntry", (level, escape(text), document.page, key))

    def draw_cover(self, canvas: Canvas, _doc: BaseDocTemplate) -> None:
        """The first page: a blue field with the title, and who stands behind it."""
        width, height = self.size
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
        """Running head and foot of every other page."""
        width, height = self.size
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
        canvas.drawRightString(right, 9.5 * mm, f"Page {self.document.page} of {self.last_page}")


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
