import json

import pytest

from knowledge.errors import ExtractionFailed


def test_records_of_the_same_fields_are_a_table(read):
    data = [{"id": 7, "part": {"name": "Seal", "on": True}}, {"id": 8, "part": {"name": "Oil"}}]
    (table,) = read(json.dumps(data), "a.json").blocks
    assert table.rows == (("id", "part.name", "part.on"), ("7", "Seal", "true"), ("8", "Oil", ""))


def test_other_records_are_paragraphs_each(outline):
    data = [{"id": 1, "text": "long " * 200}, {"id": 2, "text": "short"}]
    assert outline(json.dumps(data), "a.json") == [
        ("paragraph", f"id: 1\ntext: {'long ' * 199}long"),
        ("paragraph", "id: 2\ntext: short"),
    ]


def test_lists_inside_stand_under_their_names(outline):
    data = {"pump": "P-200", "tags": ["a", "b"], "parts": [{"n": 1, "m": 2}, {"n": 3, "m": 4}]}
    assert outline(json.dumps(data), "a.json") == [
        ("paragraph", "pump: P-200\ntags: a, b"),
        ("heading", "parts"),
        ("table", "n | m\n1 | 2\n3 | 4"),
    ]


def test_numbers_stay_as_they_are_written(outline):
    text = '{"a": 1.10, "b": 12345678901234567890, "c": 1e400, "d": %s}' % ("9" * 5_000)
    (found,) = outline(text, "a.json")
    assert found[1].startswith("a: 1.10\nb: 12345678901234567890\nc: 1e400\nd: 999")


def test_every_line_is_kept_and_what_is_no_json_is_said(read):
    extracted = read('{"a": 1, "b": 2}\nnot json\n{"a": 3, "b": 4}\n', "a.jsonl")
    table, line = extracted.blocks
    assert table.rows[1:] == (("1", "2"), ("3", "4"))
    assert line.text == "not json"
    assert extracted.warnings == ("1 line is no JSON and was kept as plain text: line 2.",)


def test_ten_thousand_records_are_all_there(read):
    lines = "\n".join(json.dumps({"id": n, "name": f"Part {n}"}) for n in range(10_000))
    (table,) = read(lines, "a.jsonl").blocks
    assert len(table.rows) == 10_001


@pytest.mark.parametrize(
    ("text", "code"), [("[" * 100_000, "too_deep"), ('{"a": }', "json_invalid")]
)
def test_what_is_no_json_says_why(read, text, code):
    with pytest.raises(ExtractionFailed) as error:
        read(text, "a.json")
    assert error.value.code == code
