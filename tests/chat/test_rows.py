"""Rows of a table keep their columns, however the table is spelled."""

import pytest

from chat.rows import Cell, read_rows


def cells(text):
    return [[(cell.header, cell.value) for cell in row.cells] for row in read_rows(text)]


TABLE = [[("Part", "Seal"), ("Price", "48")], [("Part", "Ring"), ("Price", "12")]]


@pytest.mark.parametrize(
    "text",
    [
        "Part: Seal; Price: 48\nPart: Ring; Price: 12",
        "| Part | Price |\n|---|---|\n| Seal | 48 |\n| Ring | 12 |",
        "Part | Price\n--- | ---\nSeal | 48\nRing | 12",
        "Part  Price\nSeal  48\nRing  12",
        "Part\tPrice\nSeal\t48\nRing\t12",
        "Part Price\nSeal 48\nRing 12",
    ],
)
def test_one_table_in_many_spellings(text):
    assert cells(text) == TABLE
    assert all(row.is_certain for row in read_rows(text))
    assert [text[slice(*row.span)].startswith(("Part: ", "Seal", "Ring", "|")) for row in
            read_rows(text)] == [True, True]  # fmt: skip


def test_a_value_may_hold_semicolons_and_a_row_may_begin_with_its_name():
    assert cells("Code: S-05; Dates: 3 Feb; 2 Jun") == [
        [("Code", "S-05"), ("Dates", "3 Feb; 2 Jun")]
    ]
    assert cells("Flow; Heron 40: 42; Heron 80: 84")[0][0] == ("", "Flow")


def test_two_cells_without_a_header_are_a_name_and_its_value():
    assert cells("Issued | 1 January 2026\nOwner | Ada") == [
        [("Issued", "1 January 2026")],
        [("Owner", "Ada")],
    ]


def test_a_column_that_nobody_can_tell_is_not_guessed():
    rows = read_rows("Model Price EUR\nHeron 40 42 38 4380\nHeron 80 84 52 5160")
    assert [row.is_certain for row in rows] == [False, False]
    assert rows[0].cells[0] == Cell("", "Heron 40") and rows[0].header == "Model Price EUR"


@pytest.mark.parametrize(
    "prose",
    [
        "The pump runs. It stops at 40 degrees.",
        "We repair: pumps; mixers; valves",
        "Press the button\nand wait for it",
        "It weighs 80 kg.\nIt costs 48 euro.",
        "",
    ],
)
def test_prose_has_no_rows(prose):
    assert read_rows(prose) == []
