from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.tables.columns import type_column
from knowledge.tables.units import unit_in_header, without_unit


@pytest.mark.parametrize(
    ("texts", "kind", "unit"),
    [
        (["1", "2,500", "-3"], "integer", ""),
        (["1.5", "2"], "decimal", ""),
        (["12 kg", "7.5 kg", "8"], "decimal", "kg"),
        (["$1,200", "$ 35"], "integer", "$"),
        (["12,50 €", "1.200,00 €"], "decimal", "€"),
        (["5 %", "7%"], "integer", "%"),
        (["1st", "2nd", "3rd", "DNF", "4th"], "integer", ""),
        (["1.2 million", "3 million"], "decimal", ""),
        (["2020-01-31", "1 May 2021", "May 3, 2021"], "date", ""),
        (["31/12/2020", "01/02/2021"], "date", ""),
        (["01/02/2021", "03/04/2021"], "text", ""),
        (["yes", "No"], "boolean", ""),
        (["12 kg", "3 m", "2 m"], "text", ""),
        (["007", "008"], "text", ""),
        (["3-1", "2-2"], "text", ""),
        (["", "–", "n/a"], "text", ""),
    ],
)
def test_a_column_has_the_type_and_unit_of_its_cells(texts, kind, unit):
    column = type_column("Value", texts).column
    assert (column.type, column.unit) == (kind, unit)


@pytest.mark.parametrize(
    ("header", "unit", "name"),
    [
        ("Weight (kg)", "kg", "Weight"),
        ("Price [EUR]", "€", "Price"),
        ("Length in mm", "mm", "Length"),
        ("Share %", "%", "Share"),
        ("Goals (total)", "", "Goals (total)"),
        ("Made in China", "", "Made in China"),
    ],
)
def test_headers_name_units(header, unit, name):
    assert (unit_in_header(header), without_unit(header)) == (unit, name)


def test_cells_of_another_kind_are_counted_and_have_no_value():
    typed = type_column("Place", ["1st", "2nd", "DNF", "4th", "5th", ""])
    assert typed.column.statistics == {
        **{"count": 5, "empty": 1, "distinct": 5, "odd": 1, "min": 1, "max": 5},
        "top": [],
    }
    assert [typed.parse(text) for text in ("4th", "DNF", "")] == [4, None, None]


def test_statistics_name_the_commonest_texts():
    found = type_column("Team", ["Red", "Blue", "Red", "", "Green", "Red", "Blue"]).column
    assert found.statistics["top"] == [["Red", 3], ["Blue", 2]]
    assert (found.statistics["distinct"], found.statistics["empty"]) == (3, 1)


@given(st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=50))
def test_whole_numbers_come_back_with_their_extremes(numbers):
    typed = type_column("N", [f"{number:,}" for number in numbers])
    assert [typed.parse(f"{number:,}") for number in numbers] == numbers
    found = typed.column.statistics
    assert (found["min"], found["max"]) == (min(numbers), max(numbers))


@given(st.lists(st.text(max_size=20), max_size=30))
def test_any_cells_are_typed_and_all_are_counted(texts):
    found = type_column("x", texts).column.statistics
    assert found["count"] + found["empty"] == len(texts)
    counts = Counter(texts)
    assert all(rows == counts[text] for text, rows in found["top"])
