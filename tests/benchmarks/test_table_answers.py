import pytest

from benchmarks.denotations import is_same
from benchmarks.table_answers import Report, _judge


@pytest.mark.parametrize(
    ("given", "expected", "same"),
    [
        (["1,200"], ["1200"], True),
        (["Italy"], ["italy"], True),
        (["2026-01-31"], ["31 January 2026"], True),
        (["b", "a"], ["A", "B"], True),
        (["a"], ["a", "b"], False),
        (["a", "a"], ["a", "b"], False),
        (["3"], ["4"], False),
        ([], ["4"], False),
    ],
)
def test_answers_are_compared_as_numbers_dates_or_words(given, expected, same):
    assert is_same(given, expected) is same


def test_the_report_counts_by_kind_and_keeps_what_was_wrong():
    report = Report(questions=4)
    question = {"id": "q", "question": "How many?", "answer": ["3"]}
    _judge(report, question, "count", ["3"], "number of rows")
    _judge(report, question, "sum", ["4"], "the sum of Hours")
    figures = report.as_json()
    assert (figures["precision"], figures["coverage"], figures["not_answered"]) == (0.5, 0.5, 2)
    assert figures["kinds"] == {"count": {"right": 1}, "sum": {"wrong": 1}}
    assert figures["wrong_answers"][0]["given"] == ["4"]
