"""Writes a demo source as a Word document with real heading styles, lists and tables.

Needs python-docx, which only the generator uses.
"""

from pathlib import Path

import docx
from docx.document import Document
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Pt, RGBColor
from docx.table import _Cell

from phi3site.demo import COMPANY
from phi3site.demo.blocks import Block, Bullets, Callout, Heading, Paragraph, Source, Table, plain

BLUE = RGBColor(0x17, 0x48, 0x6B)


def write_docx(source: Source, path: Path) -> None:
    """One document: title, imprint line, then the blocks."""
    document = docx.Document()
    _set_styles(document)
    head = source.head
    document.core_properties.title = source.title
    document.core_properties.author = COMPANY
    document.add_heading(source.title, 0)
    document.add_paragraph(head["subtitle"], style="Subtitle")
    document.add_paragraph(f"{head['number']} · {head['date']} · {head['owner']}")
    section = document.sections[0]
    section.header.paragraphs[0].text = f"{COMPANY} — {source.title}"
    section.footer.paragraphs[0].text = head["number"]
    for block in source.blocks:
        _add(document, block)
    document.save(str(path))


def _set_styles(document: Document) -> None:
    normal = document.styles["Normal"]
    normal.font.name, normal.font.size = "Calibri", Pt(10.5)
    for name in ("Title", "Heading 1", "Heading 2"):
        document.styles[name].font.color.rgb = BLUE


def _add(document: Document, block: Block) -> None:
    match block:
        case Heading(level, text):
            document.add_heading(text, level)
        case Paragraph(text):
            document.add_paragraph(plain(text))
        case Callout(kind, text):
            document.add_paragraph(f"{kind}: {plain(text)}", style="Intense Quote")
        case Bullets(items, numbered):
            for item in items:
                document.add_paragraph(plain(item), "List Number" if numbered else "List Bullet")
        case Table(rows):
            _add_table(document, rows)


def _add_table(document: Document, rows: tuple[tuple[str, ...], ...]) -> None:
    table = document.add_table(len(rows), len(rows[0]), style="Table Grid")
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    for at, row in enumerate(rows):
        for cell, text in zip(table.rows[at].cells, row, strict=True):
            run = cell.paragraphs[0].add_run(plain(text))
            run.font.size = Pt(9.5)
            if at == 0:
                run.bold = True
                _shade(cell)
    _mark_head(table.rows[0]._tr)
    document.add_paragraph()


def _shade(cell: _Cell) -> None:
    shade = OxmlElement("w:shd")
    shade.set(qn("w:val"), "clear")
    shade.set(qn("w:fill"), "DCE8F0")
    cell._tc.get_or_add_tcPr().append(shade)


def _mark_head(row: OxmlElement) -> None:
    """Says that the row is a head that repeats on every page."""
    mark = OxmlElement("w:tblHeader")
    mark.set(qn("w:val"), "true")
    row.get_or_add_trPr().append(mark)
