"""Rows of table files become chunks."""

import pytest

from knowledge.blocks import Column, Extracted, Row, TableData
from knowledge.chunking import chunk
from knowledge.rows import EMBEDDED_ROWS, ROWS_ALONE, normalised, summary_text

PART, PRICE = Column("Part", "text"), Column("Price", "decimal", "€", {"min": 1, "max": 9})


def count(texts):
    return [len(text.split()) for text in texts]


def table(size, **options):
    rows = tuple(Row((f"P-{number}", str(number)), (None, number)) for number in range(size))
    return TableData("Prices", (PART, PRICE), rows, **options)


def chunks(*tables, room=40):
    options = {"count_tokens": count, "max_tokens": room, "encoder_tokens": 256}
    return chunk(Extracted(tables=tables), title="Parts", **options)


def test_few_rows_stand_alone_below_the_summary():
    summary, *found = chunks(table(102))
    assert (summary.kind, summary.row_from) == ("summary", None)
    assert len(found) == 102
    assert (found[5].kind, found[5].text, found[5].row_from) == ("row", "Part: P-5; Price: 5", 6)
    assert all(item.is_embedded for item in found)


@pytest.mark.parametrize(
    ("size", "is_embedded"), [(ROWS_ALONE + 1, True), (EMBEDDED_ROWS + 1, False)]
)
def test_many_rows_share_chunks_and_none_is_lost(size, is_embedded):
    _summary, *found = chunks(table(size))
    assert all(item.tokens <= 40 for item in found)
    assert len(found) < size / 3
    numbers = [n for item in found for n in range(item.row_from, item.row_to + 1)]
    assert numbers == list(range(1, size + 1))
    lines = [line for item in found for line in item.text.split("\n")]
    assert lines[41] == "Part: P-41; Price: 41" and len(lines) == size
    assert {item.is_embedded for item in found} == {is_embedded}


def test_a_row_longer_than_a_chunk_goes_on_in_the_next():
    row = Row(("word " * 200, "1"), (None, 1))
    _summary, *found = chunks(TableData("Notes", (PART, PRICE), (row,)))
    assert len(found) > 3
    assert "".join(item.text for item in found).count("word") == 200
    assert {(item.row_from, item.row_to) for item in found} == {(1, 1)}


def test_hidden_rows_and_sheets_say_so():
    rows = (Row(("A", "1"), (None, 1), is_hidden=True),)
    summary, row = chunks(TableData("Costs", (PART, PRICE), rows, is_hidden=True))
    assert row.text == "(hidden row) Part: A; Price: 1"
    assert row.headings == ("Costs (hidden sheet)",)
    assert "a hidden sheet" in summary.text


def test_sheets_of_one_file_stand_under_their_names():
    other = TableData("Old prices", (PART, PRICE), table(3).rows)
    found = chunks(table(3), other)
    assert [item.headings for item in found[:5:4]] == [("Prices",), ("Old prices",)]
    assert found[4].context_text.startswith("Parts › Old prices\nTable")


def test_the_summary_names_columns_types_units_and_ranges():
    team = Column("Team", "text", statistics={"top": [["Red", 3]], "distinct": 4, "empty": 1})
    data = TableData("Stock", (team, PRICE), (Row(("Red", "1")),))
    assert summary_text(data) == (
        "Table “Stock”: 1 row, 2 columns.\n"
        "Team: text, mostly Red, 4 different, 1 empty\n"
        "Price: decimal in €, 1 to 9"
    )


@pytest.mark.parametrize(
    ("text", "plain"),
    [("Pump A-417", "pump a 417"), ("José “Pepe”", "jose pepe"), ("1,500.5 kg", "1,500.5 kg")],
)
def test_texts_are_compared_without_case_accents_and_signs(text, plain):
    assert normalised(text) == plain
