"""The demo documents: enough of them, as their sources say, readable, the same when made again."""

import csv
import hashlib
from collections import Counter
from pathlib import Path

import docx
import pptx
import pytest
from openpyxl import load_workbook
from pypdfium2 import PdfDocument

from phi3site.demo import DOCUMENTS, SOURCES
from phi3site.demo.blocks import Heading, Table, parse, read_source
from phi3site.demo.facts import find_excerpt, read_facts
from phi3site.demo.make_documents import make_documents
from phi3site.demo.tables import MACHINES, part_rows

FILES = sorted(path for path in DOCUMENTS.glob("*/*") if path.is_file())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("documents")
    make_documents(folder)
    return folder


def _page_counts() -> dict[str, int]:
    return {path.name: len(PdfDocument(path)) for path in FILES if path.suffix == ".pdf"}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_every_format_is_there():
    formats = Counter(path.suffix for path in FILES)
    assert set(formats) == {".pdf", ".docx", ".pptx", ".xlsx", ".csv", ".html", ".md"}
    assert len(FILES) >= 14
    assert {path.parent.name for path in FILES} == {"service", "office"}


def test_two_books_are_long_and_all_is_small():
    assert sum(count >= 15 for count in _page_counts().values()) >= 2
    assert sum(path.stat().st_size for path in FILES) < 2_000_000


def test_made_again_they_are_the_same_bytes(made: Path):
    again = {path.relative_to(made): _digest(path) for path in made.glob("*/*")}
    assert again == {path.relative_to(DOCUMENTS): _digest(path) for path in FILES}


def test_pdf_pages_say_where_they_are():
    with PdfDocument(DOCUMENTS / "service" / "safety-manual.pdf") as book:
        last = len(book)
        text = book[last - 1].get_textpage().get_text_range()
    assert f"Page {last} of {last}" in text
    assert "SM-1, revision 9" in text


def test_word_documents_have_headings_and_tables():
    document = docx.Document(str(DOCUMENTS / "service" / "maintenance-schedule.docx"))
    styles = Counter(paragraph.style.name for paragraph in document.paragraphs)
    assert styles["Heading 1"] == 6
    assert len(document.tables) == 4
    assert document.tables[0].cell(0, 0).text == "Interval"


def test_slides_have_titles():
    show = pptx.Presentation(str(DOCUMENTS / "office" / "onboarding.pptx"))
    titles = [slide.shapes.title.text for slide in show.slides]
    assert len(titles) >= 10
    assert "Words you will hear" in titles


def test_price_list_has_sheets_and_agrees_with_the_parts():
    book = load_workbook(DOCUMENTS / "service" / "price-list.xlsx")
    assert book.sheetnames == ["Machines", "Spare parts", "Services"]
    assert book["Machines"].max_row == len(MACHINES)
    prices = {row[0]: row[3] for row in book["Spare parts"].iter_rows(values_only=True)}
    assert book["Spare parts"].max_row > 200
    assert prices["SK-17"] == 86.5
    assert prices["HK-08"] == 139


def test_spare_parts_have_each_number_once_per_machine():
    with (DOCUMENTS / "service" / "spare-parts.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= 200
    assert len({(row["part_number"], row["machine"]) for row in rows}) == len(rows)
    owners: dict[str, set[str]] = {}
    for row in rows:
        owners.setdefault(row["part_number"], set()).add(row["description"])
    assert {number for number, texts in owners.items() if len(texts) > 1} == set()
    assert len(rows) == len(part_rows())


def test_part_numbers_of_the_manual_are_in_the_parts_list():
    numbers = {row[0] for row in part_rows()}
    manual = read_source(SOURCES / "service" / "heron-operating-manual.md")
    table = next(b for b in manual.blocks if isinstance(b, Table) and b.rows[0][0] == "Part")
    named = {cell for row in table.rows[1:] for cell in row[1:4]}
    assert named <= numbers


def test_figures_agree_between_the_documents():
    manual = read_source(SOURCES / "service" / "heron-operating-manual.md").body
    comparison = read_source(SOURCES / "service" / "product-comparison.md").body
    for label, in_manual in (
        ("Weight", "Weight without liquid in kg"),
        ("Head", "Rated head in m"),
    ):
        told = next(line for line in comparison.splitlines() if line.startswith(f"| {label} "))
        row = next(line for line in manual.splitlines() if line.startswith(f"| {in_manual} "))
        figures = [cell.split()[0] for cell in told.strip("| ").split("|")[1:]]
        assert figures == [cell.strip() for cell in row.strip("| ").split("|")[1:]]


def test_every_fact_has_its_sentence_in_its_document():
    for fact in read_facts():
        assert find_excerpt(fact).text


def test_a_source_is_read_as_blocks():
    blocks = list(parse("## 1 Title\n\nText.\n\n| A | B |\n|---|---|\n| 1 | 2 |\n"))
    assert blocks[0] == Heading(1, "1 Title")
    assert blocks[2] == Table((("A", "B"), ("1", "2")))
