"""Every line of a file is an example, a named duplicate or a named error."""

import io
import json

import pytest

from phi3site.audit.models import AuditEvent
from tests.training.conftest import jsonl, line, seal_lines
from training.datasets import import_dataset
from training.errors import DatasetRefused
from training.models import Dataset
from training.reading import MAX_LINE_BYTES, LineError, read_rows

pytestmark = pytest.mark.django_db


def messages(*roles):
    return json.dumps({"messages": [{"role": r, "content": f"words of {r}"} for r in roles]})


def errors_of(*lines, name="x.jsonl"):
    found = read_rows(name, io.BytesIO(b"\n".join(lines)))
    return {row.line: row.message for row in found if isinstance(row, LineError)}


BAD_LINES = {
    "no json": (b"{oops", "not valid JSON"),
    "no object": (b"[1]", "not a JSON object"),
    "deep nesting": (b"[" * 100_000, "not valid JSON"),
    "not utf-8": (b'{"messages": "\xff"}', "UTF-8"),
    "no messages": (b"{}", "missing or empty"),
    "messages is text": (b'{"messages": "hello"}', "missing or empty"),
    "no answer": (messages("user").encode(), "last message"),
    "only system": (messages("system").encode(), "last message"),
    "answer first": (messages("assistant").encode(), "take turns"),
    "two questions": (messages("user", "user", "assistant").encode(), "take turns"),
    "late system": (messages("user", "system", "assistant").encode(), "take turns"),
    "unknown role": (messages("user", "tool").encode(), "needs a role"),
    "role is a list": (b'{"messages": [{"role": [], "content": "x"}]}', "needs a role"),
    "empty answer": (line("Which?", "  "), "assistant message is empty"),
    "content is a number": (b'{"messages": [{"role": "user", "content": 3}]}', "is empty"),
    "extra key": (b'{"messages": [{"role": "user", "content": "a", "name": "b"}]}', "name"),
    "nul": (line("Which?", "a\x00b"), "can't be stored"),
    "half a character": (line("Which?", "a").replace(b'"a"', b'"\\ud800"'), "can't be stored"),
    "source is a number": (line("Which?", "That.", source=5), "source"),
    "too long": (b" " * (MAX_LINE_BYTES + 5), "longer than 1 MB"),
}


@pytest.mark.parametrize(("bad", "reason"), BAD_LINES.values(), ids=BAD_LINES)
def test_a_bad_line_is_named_and_the_next_one_is_read(bad, reason):
    rows = list(read_rows("x.jsonl", io.BytesIO(bad + b"\n" + line("Which?", "SK-17."))))
    assert isinstance(rows[0], LineError)
    assert reason in rows[0].message
    assert rows[0].line == 1
    assert rows[1].turns[1]["content"] == "SK-17."
    assert rows[1].line == 2


def test_every_line_is_accounted_for(tiny, admin):
    lines = [*seal_lines(20), b"{oops", line("Again?", "Yes."), line("Again?", "Yes."), b"", b"[]"]
    dataset = import_dataset("Mixed", jsonl(*lines), actor=admin, filename="m.jsonl")
    report = dataset.report
    assert (report["lines"], report["examples"]) == (24, 21)
    assert report["duplicates"] == [{"line": 23, "of": 22}]
    assert [error["line"] for error in report["errors"]] == [21, 25]
    assert report["train"] + report["eval"] == report["examples"] == dataset.examples.count()


def test_tokens_are_counted_as_the_model_will_see_them(tiny, admin):
    dataset = import_dataset("One", jsonl(line("Hi", "Yo")), actor=admin, filename="x.jsonl")
    # <|user|> Hi <|end|> <|assistant|> Yo <|end|>, a byte a token
    assert dataset.examples.get().tokens == 8
    assert dataset.report["tokens"]["total"] == 8


def test_without_a_base_model_the_report_says_that_nothing_was_counted(settings, admin):
    settings.BASE_MODEL = "/nowhere/at-all"
    dataset = import_dataset("One", jsonl(line("Hi", "Yo")), actor=admin, filename="x.jsonl")
    assert dataset.report["tokens"] == {}
    assert dataset.examples.get().tokens is None


def test_the_same_bytes_are_the_same_dataset(tiny, admin):
    first = import_dataset("Seals", jsonl(*seal_lines()), actor=admin, filename="a.jsonl")
    again = import_dataset("Other", jsonl(*seal_lines()), actor=admin, filename="b.jsonl")
    assert again == first
    assert Dataset.objects.count() == 1


def test_a_corrected_file_is_the_next_version(tiny, admin):
    import_dataset("Seals", jsonl(*seal_lines(3)), actor=admin, filename="a.jsonl")
    second = import_dataset("Seals", jsonl(*seal_lines(4)), actor=admin, filename="a.jsonl")
    assert second.version == 2


def test_the_import_stands_in_the_audit_log(dataset, admin):
    event = AuditEvent.objects.get(action="dataset.imported")
    assert event.target_id == str(dataset.pk)
    assert event.actor_name == admin.username
    assert json.loads(event.details)["examples"] == 24


def test_keys_without_a_meaning_are_reported(tiny, admin):
    file = jsonl(line("Hi", "Yo", kind="closed"))
    dataset = import_dataset("One", file, actor=admin, filename="x.jsonl")
    assert dataset.report["unused_keys"] == {"kind": 1}


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("x.jsonl", b"", "empty"),
        ("x.jsonl", b"\n\n \n", "empty"),
        ("x.jsonl", b"{oops\n", "Line 1: not valid JSON"),
        ("x.exe", b"MZ", "Only .jsonl, .json, .csv and .xlsx"),
        ("x.csv", b"a,b\n1,2\n", "columns question and answer"),
        ("x.csv", b"", "empty"),
        ("x.csv", b'question,answer\n"a,b\n', "not valid CSV"),
    ],
)
def test_a_useless_file_is_refused_in_words(name, content, reason, tiny, admin):
    with pytest.raises(DatasetRefused, match=reason):
        import_dataset("Bad", io.BytesIO(content), actor=admin, filename=name)
    assert not Dataset.objects.exists()


def test_csv_rows_become_conversations():
    content = (
        b"\xef\xbb\xbfsystem,question,answer,source\r\n"
        b'Be brief.,"Which\nseal?",SK-17.,manual\r\n'
        b",Second?,,\r\n"
        b",Third?,Yes.,\r\n"
    )
    rows = list(read_rows("x.csv", io.BytesIO(content)))
    assert [row.line for row in rows] == [2, 4, 5]
    assert [turn["role"] for turn in rows[0].turns] == ["system", "user", "assistant"]
    assert rows[0].turns[1]["content"] == "Which\nseal?"
    assert rows[0].source == "manual"
    assert isinstance(rows[1], LineError)
    assert [turn["role"] for turn in rows[2].turns] == ["user", "assistant"]
