import pytest

from knowledge.pdf import _has_words
from knowledge.pdf.furniture import without_furniture
from knowledge.pdf.geometry import Area, Frame
from knowledge.pdf.glyphs import PageText, TextLine
from knowledge.pdf.rules import frame_of


@pytest.fixture
def page():
    """A page with these lines, from its top downwards."""
    import pypdfium2 as pdfium

    document = pdfium.PdfDocument.new()
    frame = frame_of(document.new_page(600, 800))
    assert isinstance(frame, Frame)

    def page(number, *texts, top=200):
        lines = [
            TextLine(text, Area(50, top + 12 * at, 300, top + 10 + 12 * at), 10.0, False)
            for at, text in enumerate(texts)
        ]
        return PageText(number, frame, lines)

    return page


def kept(*pages):
    return [[line.text for line in page.lines] for page in without_furniture(list(pages))]


CONTENTS = ("1 Safety ........ 3", "2 Service ........ 9", "3 Parts ........ 14")


def test_a_table_of_contents_is_left_out(page):
    assert kept(page(1, "Contents", *CONTENTS), page(2, "Wear gloves.")) == [
        ["Contents"],
        ["Wear gloves."],
    ]


@pytest.mark.parametrize(
    "lines",
    [
        ("*Gross pay.(1).....145873",),
        ("Seal kit ....... 12", "Bearing ....... 140", "Impeller ....... 88"),
        ("Seal kit ....... 12", "Bearing ....... 40"),
        ("Seal kit ....... 120", "Bearing ....... 410", "Impeller ....... 999"),
    ],
)
def test_prices_behind_dots_stay(page, lines):
    assert kept(page(1, *lines), page(2, "Wear gloves.")) == [list(lines), ["Wear gloves."]]


def test_what_stands_at_the_foot_of_many_pages_is_left_out(page):
    pages = [page(n, f"Page {n}", top=740) for n in range(1, 5)]
    bodies = [page(n, "Page", top=400) for n in range(5, 9)]
    assert kept(*pages, *bodies) == [[]] * 4 + [["Page"]] * 4


def test_letters_without_names_are_no_words(page):
    assert not _has_words(page(1, "\x01\xad\x03", "\x08 —"))
    assert _has_words(page(1, "\x01", "a"))
