"""Tables in PDFs, drawn here word by word: with rules, without, headers over several lines."""

import io

import pytest
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import SimpleDocTemplate, Table

from knowledge import pdf
from knowledge.rows import table_pieces

RIGHT = (330, 400, 470, 540)


@pytest.fixture
def tables(tmp_path):
    """Draws lines of (text, x) downwards and reads the tables; a negative x is a right edge."""

    def tables(*lines, bold=()):
        buffer = io.BytesIO()
        canvas = Canvas(buffer, pagesize=(612, 792))
        for number, line in enumerate(lines):
            canvas.setFont("Helvetica-Bold" if number in bold else "Helvetica", 9)
            for text, x in line:
                draw = canvas.drawRightString if x < 0 else canvas.drawString
                draw(abs(x), 700 - 11 * number, text)
        canvas.save()
        return read(tmp_path, buffer)

    return tables


def read(folder, buffer):
    path = folder / "drawn.pdf"
    path.write_bytes(buffer.getvalue())
    return [block for block in pdf.read(path).blocks if block.kind == "table"]


def figures(label, *values):
    return [(label, 40), *((value, -x) for value, x in zip(values, RIGHT, strict=False))]


def test_a_header_over_three_lines_names_each_column(tables):
    (table,) = tables(
        [("Three months ended", 290), ("Nine months ended", 430)],
        [("June 30,", 300), ("June 30,", 440)],
        [("(in millions)", 40), ("2025", -330), ("2024", -400), ("2025", -470), ("2024", -540)],
        figures("Revenue", "1,250", "1,100", "3,700", "3,300"),
        figures("Costs", "(900)", "(880)", "(2,700)", "(2,610)"),
        figures("Income", "350", "220", "1,000", "690"),
    )
    assert table.has_header
    assert table.rows[0] == (
        "(in millions)",
        "Three months ended June 30, 2025",
        "Three months ended June 30, 2024",
        "Nine months ended June 30, 2025",
        "Nine months ended June 30, 2024",
    )
    assert table.rows[2] == ("Costs", "(900)", "(880)", "(2,700)", "(2,610)")
    assert len(table.lines) == len(table.rows)


def test_each_row_is_a_passage_of_its_own_with_the_columns_names(tables):
    (table,) = tables(
        [("2025", -330), ("2024", -400)],
        figures("Revenue", "1,250", "1,100"),
        figures("Costs", "(900)", "(880)"),
    )
    texts = [text for text, _lines, _row in table_pieces(table)]
    assert texts == ["Revenue; 2025: 1,250; 2024: 1,100", "Costs; 2025: (900); 2024: (880)"]


def test_labels_on_lines_of_their_own_and_over_two_lines_belong_to_the_table(tables):
    (table,) = tables(
        [("Dec 31, 2025", -330), ("Dec 31, 2024", -400)],
        [("Current assets:", 40)],
        figures("Cash", "100", "90"),
        figures("Inventories", "20", "30"),
        [("Property, plant and equipment that is leased to", 40)],
        figures("other companies", "7", "8"),
        figures("Total", "127", "128"),
    )
    assert [row[0] for row in table.rows] == [
        "",
        "Current assets:",
        "Cash",
        "Inventories",
        "Property, plant and equipment that is leased to other companies",
        "Total",
    ]


def test_currency_signs_stay_with_the_figure_after_them(tables):
    (table,) = tables(
        [("2025", -330), ("2024", -400)],
        [("Net sales", 40), ("$", 290), ("1,250", -330), ("$", 345), ("1,100", -400)],
        figures("Costs", "900", "880"),
    )
    assert table.rows[1] == ("Net sales", "$ 1,250", "$ 1,100")


def test_a_label_may_be_a_year_and_a_figure_a_range(tables):
    (table,) = tables(
        [("Amount", -330), ("Rate", -400)],
        figures("2024 and before", "8,439", "2.1%"),
        figures("2025", "3,960", "1.5%–2.0%"),
        figures("2026", "957", "—"),
    )
    assert table.rows[2:] == (("2025", "3,960", "1.5%–2.0%"), ("2026", "957", "—"))


def test_years_behind_words_are_the_header_and_no_first_row(tables):
    (table,) = tables(
        [("(In millions)", 40)],
        figures("Three months ended June 30,", "2025", "2024"),
        figures("Interest income", "641", "520"),
        figures("Interest expense", "(500)", "(539)"),
    )
    assert table.rows[:2] == (
        ("(In millions) Three months ended June 30,", "2025", "2024"),
        ("Interest income", "641", "520"),
    )


def test_a_paragraph_above_is_no_header(tables):
    (table,) = tables(
        [("The following amounts were recognised in the years that are shown below.", 40)],
        figures("Revenue", "1,250", "1,100"),
        figures("Costs", "900", "880"),
    )
    assert not table.has_header
    assert table.rows[0][0] == "Revenue"


def test_sentences_with_figures_are_no_table(tables):
    assert not tables(
        [("In 2025 we sold 1,250 pumps, and in 2024 we sold 1,100 of them.", 40)],
        [("The price rose by 3 % to 400 euro.", 40)],
        [("See page 12.", 40)],
    )


def test_words_in_columns_are_a_table_with_its_bold_header(tables):
    (table,) = tables(
        [("Code", 40), ("Meaning", 150), ("What to do", 320)],
        [("E1", 40), ("Too hot", 150), ("Let it cool", 320)],
        [("E2", 40), ("No water", 150), ("Open the valve", 320)],
        [("E3", 40), ("Locked", 150), ("Turn the key", 320)],
        bold=(0,),
    )
    assert table.has_header
    assert table.rows[3] == ("E3", "Locked", "Turn the key")


def test_a_ruled_table_keeps_columns_below_a_header_that_spans_them(tmp_path):
    buffer = io.BytesIO()
    rows = [
        ["Part", "Price", ""],
        ["", "2025", "2026"],
        ["Seal kit", "10", "12"],
        ["Bearing", "40", "44"],
    ]
    style = [("GRID", (0, 0), (-1, -1), 1, "black"), ("SPAN", (1, 0), (2, 0))]
    SimpleDocTemplate(buffer).build([Table(rows, style=style)])
    (table,) = read(tmp_path, buffer)
    assert table.rows == (
        ("Part", "Price 2025", "Price 2026"),
        ("Seal kit", "10", "12"),
        ("Bearing", "40", "44"),
    )
