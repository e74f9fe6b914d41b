import pytest

from knowledge.errors import ExtractionFailed
from tests.knowledge.tables.conftest import edited, workbook

PRICES = [("Part", "Price"), ("Seal kit", 12.5), ("Bearing", 40), ("Gasket", 3)]


def test_every_row_is_read_whatever_size_the_sheet_declares(read_table):
    data = workbook(Prices=[("Part", "Price"), *((f"Part {n}", n / 2) for n in range(500))])
    table = read_table(edited(data, "sheet1.xml", b"A1:B501", b"A1:A1"), "a.xlsx")
    assert (table.name, len(table.rows), table.columns[1].type) == ("Prices", 500, "decimal")
    assert list(table.rows)[3].texts == ("Part 3", "1.5")


def test_a_far_away_cell_costs_no_more_than_its_row(read_table):
    def far(book):
        book["Prices"].cell(1_048_576, 1, "the end")

    rows = list(read_table(workbook(far, Prices=PRICES), "a.xlsx").rows)
    assert [row.texts[0] for row in rows] == ["Seal kit", "Bearing", "Gasket", "the end"]


def test_hidden_rows_are_read_and_marked(read):
    def hide(book):
        book["Prices"].row_dimensions[3].hidden = True

    extracted = read(workbook(hide, Prices=PRICES), "a.xlsx")
    assert [row.is_hidden for row in extracted.tables[0].rows] == [False, True, False]
    assert extracted.warnings == ("“Prices”: 1 hidden row was read and marked.",)


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_hidden_sheets_are_read_and_marked(read, state):
    def hide(book):
        book["Costs"].sheet_state = state

    extracted = read(workbook(hide, Prices=PRICES, Costs=PRICES), "a.xlsx")
    assert [(table.name, table.is_hidden) for table in extracted.tables] == [
        ("Prices", False),
        ("Costs", True),
    ]
    assert extracted.warnings == ("The sheet “Costs” is hidden; it was read and marked.",)


def test_units_stand_in_number_formats(read_table):
    def formats(book):
        for row in book["Parts"].iter_rows(min_row=2):
            row[1].number_format, row[2].number_format = '0.0 "kg"', "0.0%"
            row[3].number_format = "[$€-407] #,##0.00"

    rows = [("Part", "Weight", "Share", "Price"), ("A", 2, 0.25, 9.5), ("B", 3.5, 0.075, 12)]
    table = read_table(workbook(formats, Parts=rows), "a.xlsx")
    assert [column.unit for column in table.columns] == ["", "kg", "%", "€"]
    assert [row.cells[2] for row in table.rows] == [25, 7.5]


def test_formulas_without_a_result_are_told(read):
    rows = [("Part", "Price"), ("A", 1), ("B", "=B2*2")]
    (warning,) = read(workbook(Prices=rows), "a.xlsx").warnings
    assert warning.startswith("“Prices”: 1 formula has no stored result")


def test_empty_sheets_are_no_tables_and_an_empty_workbook_is_refused(read):
    found = read(workbook(Prices=PRICES, Empty=[]), "a.xlsx")
    assert [table.name for table in found.tables] == ["Prices"]
    with pytest.raises(ExtractionFailed, match="holds no values"):
        read(workbook(Empty=[]), "a.xlsx")


def test_rows_of_a_long_sheet_are_hidden_at_their_own_place(read_table):
    def hide(book):
        for number in (2, 9_000, 20_001):
            book["Long"].row_dimensions[number].hidden = True

    rows = [("Part", "Note"), *((f"P-{n}", "x" * 60) for n in range(20_000))]
    found = read_table(workbook(hide, Long=rows), "a.xlsx")
    assert [row.texts[0] for row in found.rows if row.is_hidden] == ["P-0", "P-8998", "P-19999"]
