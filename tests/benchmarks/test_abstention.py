"""The benchmark of abstaining reads its questions and counts fairly."""

import json

from benchmarks.abstention import Asked, Judged, _questions, measure


def test_questions_say_in_either_word_whether_they_can_be_answered(tmp_path):
    rows = [
        {"question": "a"},
        {"question": "b", "unanswerable": True},
        {"question": "c", "unanswerable": False},
        {"text": "d", "answerable": False},
    ]
    path = tmp_path / "questions.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    found = [(each.text, each.is_answerable) for each in _questions(tmp_path, is_dev=False)]
    assert found == [("a", True), ("b", False), ("c", True), ("d", False)]


def test_the_demo_has_questions_to_choose_by_and_others_to_report():
    golden, dev = list(_questions(None, is_dev=False)), list(_questions(None, is_dev=True))
    assert not {each.text for each in golden} & {each.text for each in dev}
    for questions in (golden, dev):
        assert {each.is_answerable for each in questions} == {True, False}


def test_precision_and_recall_are_those_of_abstaining():
    judged = [
        Judged(Asked("q", is_answerable), is_abstention)
        for is_answerable, is_abstention in (
            (False, True), (False, True), (False, False), (True, True), (True, False),
        )
    ]  # fmt: skip
    figures = measure(judged)
    assert (figures["rightly"], figures["wrongly"]) == (2, 1)
    assert (figures["precision"], figures["recall"]) == (0.6667, 0.6667)
    assert [each.is_right for each in judged] == [True, True, False, False, True]


def test_without_any_question_there_are_no_shares():
    assert measure([])["precision"] is None and measure([])["recall"] is None
