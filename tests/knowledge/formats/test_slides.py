import io

import pptx
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches


def deck(*slides):
    """Each slide is a function that fills it."""
    presentation, buffer = pptx.Presentation(), io.BytesIO()
    for fill in slides:
        fill(presentation.slides.add_slide(presentation.slide_layouts[1]))
    presentation.save(buffer)
    return buffer.getvalue()


def titled(title, *points, notes="", hidden=False):
    def fill(slide):
        slide.shapes.title.text = title
        slide.placeholders[1].text = "\n".join(points)
        if notes:
            slide.notes_slide.notes_text_frame.text = notes
        if hidden:
            slide._element.set("show", "0")

    return fill


def test_a_slide_is_a_page_with_title_points_and_notes(read):
    extracted = read(
        deck(titled("Launch", "May", "June", notes="Say why."), titled("End")), "a.pptx"
    )
    assert extracted.page_count == 2
    assert [(b.kind, b.text, b.page) for b in extracted.blocks] == [
        ("heading", "Launch", 1),
        ("list_item", "May", 1),
        ("list_item", "June", 1),
        ("paragraph", "Speaker notes: Say why.", 1),
        ("heading", "End", 2),
    ]


def test_a_hidden_slide_is_marked_and_said(read):
    extracted = read(deck(titled("Open"), titled("Costs", hidden=True)), "a.pptx")
    assert [block.text for block in extracted.blocks] == ["Open", "Costs (hidden slide)"]
    assert extracted.warnings == ("Hidden in the show, but read and marked: slide 2.",)


def test_tables_and_charts_keep_their_figures(read):
    def fill(slide):
        size = [Inches(1)] * 4
        table = slide.shapes.add_table(2, 2, *size).table
        for cell, text in zip(table.iter_cells(), ("Part", "Price", "Seal", "12"), strict=True):
            cell.text = text
        data = CategoryChartData()
        data.categories = ["2025", "2026"]
        data.add_series("Sales", (4.5, 5.25))
        chart = slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *size, data).chart
        chart.has_title = True
        chart.chart_title.text_frame.text = "Growth"

    table, title, chart = read(deck(fill), "a.pptx").blocks
    assert table.rows == (("Part", "Price"), ("Seal", "12"))
    assert title.text == "Growth"
    assert chart.rows == (("Category", "Sales"), ("2025", "4.5"), ("2026", "5.25"))


def test_shapes_in_groups_are_read_and_page_numbers_are_not(read):
    def fill(slide):
        group = slide.shapes.add_group_shape()
        box = group.shapes.add_textbox(0, 0, Inches(1), Inches(1))
        box.text_frame.text = "Inside"
        slide.placeholders[1].element.nvSpPr.nvPr[0].set("type", "sldNum")
        slide.placeholders[1].text = "7"

    assert [block.text for block in read(deck(fill), "a.pptx").blocks] == ["Inside"]
