"""Writes a demo source as slides: one per chapter, with bullets or a table.

Needs python-pptx, which only the generator uses.
"""

from pathlib import Path

from pptx import Presentation
from pptx.dml.color import RGBColor
from pptx.enum.shapes import MSO_SHAPE
from pptx.slide import Slide
from pptx.util import Emu, Inches, Pt

from phi3site.demo import COMPANY
from phi3site.demo.blocks import Block, Bullets, Heading, Source, Table, plain

BLUE = RGBColor(0x17, 0x48, 0x6B)
WHITE = RGBColor(0xFF, 0xFF, 0xFF)
WIDTH, HEIGHT = Inches(13.333), Inches(7.5)
TITLE_ONLY, TITLE_SLIDE = 5, 0


def write_pptx(source: Source, path: Path) -> None:
    """A title slide, then one slide per chapter."""
    show = Presentation()
    show.slide_width, show.slide_height = WIDTH, HEIGHT
    show.core_properties.title, show.core_properties.author = source.title, COMPANY
    _add_cover(show.slides.add_slide(show.slide_layouts[TITLE_SLIDE]), source)
    slide: Slide | None = None
    for block in source.blocks:
        if isinstance(block, Heading):
            slide = show.slides.add_slide(show.slide_layouts[TITLE_ONLY])
            _set_title(slide, block.text)
        elif slide is not None:
            _add(slide, block)
    show.save(str(path))


def _add_cover(slide: Slide, source: Source) -> None:
    slide.background.fill.solid()
    slide.background.fill.fore_color.rgb = BLUE
    title, subtitle = slide.shapes.title, slide.placeholders[1]
    title.text = source.title
    subtitle.text = f"{source.head['subtitle']}\n{COMPANY}, {source.head['date']}"
    for shape, top, height in ((title, 2.0, 1.6), (subtitle, 3.8, 1.4)):
        shape.left, shape.top = Inches(1), Inches(top)
        shape.width, shape.height = Inches(11.3), Inches(height)
        for paragraph in shape.text_frame.paragraphs:
            paragraph.font.color.rgb = WHITE


def _set_title(slide: Slide, text: str) -> None:
    bar = slide.shapes.add_shape(MSO_SHAPE.RECTANGLE, Emu(0), Emu(0), Inches(0.35), HEIGHT)
    bar.fill.solid()
    bar.fill.fore_color.rgb = BLUE
    bar.line.fill.background()
    title = slide.shapes.title
    title.left, title.top = Inches(0.9), Inches(0.4)
    title.width, title.height = Inches(11.5), Inches(1)
    title.text = text
    paragraph = title.text_frame.paragraphs[0]
    paragraph.font.size, paragraph.font.bold = Pt(36), True
    paragraph.font.color.rgb = BLUE


def _add(slide: Slide, block: Block) -> None:
    if isinstance(block, Table):
        _add_table(slide, block.rows)
    elif isinstance(block, Bullets):
        _add_bullets(slide, block.items)


def _add_bullets(slide: Slide, items: tuple[str, ...]) -> None:
    box = slide.shapes.add_textbox(Inches(0.9), Inches(1.7), Inches(11.5), Inches(5.2))
    box.text_frame.word_wrap = True
    for at, item in enumerate(items):
        frame = box.text_frame
        paragraph = frame.paragraphs[0] if at == 0 else frame.add_paragraph()
        paragraph.text = f"• {plain(item)}"
        paragraph.font.size, paragraph.space_after = Pt(24), Pt(14)


def _add_table(slide: Slide, rows: tuple[tuple[str, ...], ...]) -> None:
    height = Inches(0.52 * len(rows))
    shape = slide.shapes.add_table(
        len(rows), len(rows[0]), Inches(0.9), Inches(1.7), Inches(11.5), height
    )
    for at, row in enumerate(rows):
        for column, text in enumerate(row):
            cell = shape.table.cell(at, column)
            cell.text = plain(text)
            cell.text_frame.paragraphs[0].font.size = Pt(18)
            if at == 0:
                cell.fill.solid()
                cell.fill.fore_color.rgb = BLUE
