"""Arrays, separated values and workbooks: every item or row is read, or named with its place."""

import io
import json

import openpyxl
import pytest

from training.columns import Columns
from training.errors import DatasetRefused
from training.reading import LineError, read_file

GERMAN = Columns("Frage", "Antwort")


def read(name, content, columns=None):
    reading = read_file(name, io.BytesIO(content), columns)
    return list(reading.rows), reading


def answers(rows):
    return [None if isinstance(row, LineError) else row.turns[-1]["content"] for row in rows]


def workbook(*rows, more=()):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for title in more:
        book.create_sheet(title).append(["something"])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


ITEM = {"instruction": "Which?", "output": "SK-17."}


def test_an_array_is_read_item_by_item():
    content = json.dumps([ITEM, {"oops": 1}, 7, {**ITEM, "output": "Ä"}], indent=2).encode()
    rows, reading = read("x.json", b"\xef\xbb\xbf" + content)
    assert answers(rows) == ["SK-17.", None, None, "Ä"]
    assert [row.line for row in rows] == [1, 2, 3, 4]
    assert reading.unit == "item"


def test_json_lines_under_another_name_are_read_as_lines():
    rows, reading = read("x.json", json.dumps(ITEM).encode() + b"\n{oops\n")
    assert answers(rows) == ["SK-17.", None]
    assert reading.unit == "line"


@pytest.mark.parametrize(
    "content", [b'[{"a": 1}\n,\n{oops}]', b"[", b"[1", b"[1] 2", b"[1 2]", b"[" * 100_000]
)
def test_a_broken_array_is_refused_as_a_whole(content):
    with pytest.raises(DatasetRefused, match="not valid JSON from line"):
        read("x.json", content)


def test_an_empty_array_holds_nothing():
    assert read("x.json", b" [ ] ")[0] == []


def test_the_line_of_a_break_is_told():
    with pytest.raises(DatasetRefused, match="from line 3 on"):
        read("x.json", b'[{"a": 1}\n,\n{oops}]')


@pytest.mark.parametrize("sign", [",", ";", "\t"])
def test_separated_values_are_read_with_their_sign(sign):
    content = f'Nr{sign}Frage{sign}Antwort\n1{sign}"Which{sign}\nseal?"{sign}SK-17.\n'
    rows, _ = read("x.csv", content.encode(), GERMAN)
    assert rows[0].turns[0]["content"] == f"Which{sign}\nseal?"
    assert answers(rows) == ["SK-17."]
    assert rows[0].unused == {"Nr"}


def test_another_encoding_is_read_and_told():
    rows, reading = read("x.csv", "Frage;Antwort\nWelche?;Größe\n".encode("cp1252"), GERMAN)
    assert answers(rows) == ["Größe"]
    assert "not UTF-8" in reading.warnings[0]


def test_a_cell_too_many_is_named():
    rows, _ = read("x.csv", b"question,answer\nWhich?,SK-17.,more\n")
    assert rows[0].unused == {"a column without a name"}


def test_context_stands_below_the_question():
    columns = Columns("instruction", "output", context="input")
    rows, _ = read("x.csv", b"instruction,input,output\nWhich?,Heron 40,SK-17.\n", columns)
    assert rows[0].turns[0]["content"] == "Which?\n\nHeron 40"


def test_a_workbook_is_read_by_its_rows():
    content = workbook(
        ["Frage", "Antwort", "Preis"],
        ["Which?", "SK-17.", 12.5],
        [],
        ["How many?", 3],
        ["Nothing?", None],
        more=["Notes"],
    )
    rows, reading = read("x.XLSX", content, GERMAN)
    assert answers(rows) == ["SK-17.", "3", None]
    assert [row.line for row in rows] == [2, 4, 5]
    assert (reading.unit, reading.warnings) == (
        "row",
        ("Only the first sheet was read, not Notes.",),
    )


@pytest.mark.parametrize("content", [b"no workbook", b"PK\x03\x04 torn"])
def test_a_workbook_that_is_none_is_refused(content):
    with pytest.raises(DatasetRefused, match="can't be read"):
        read("x.xlsx", content)


@pytest.mark.parametrize(
    ("content", "columns", "reason"),
    [
        (b"Frage,Antwort\na,b\n", None, "must name the columns"),
        (b"Frage,Antwort\na,b\n", Columns("Frage", "Reply"), "no column called “Reply”"),
        (b"a,b,a\n1,2,3\n", None, "Two columns"),
        (b"", None, "empty"),
    ],
)
def test_columns_that_say_nothing_are_refused(content, columns, reason):
    with pytest.raises(DatasetRefused, match=reason):
        read("x.csv", content, columns)
