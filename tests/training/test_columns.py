"""Columns are guessed by name, and a column means one thing at most."""

import pytest

from training.columns import Columns, guess_columns, is_plain


@pytest.mark.parametrize(
    ("header", "guessed"),
    [
        (["question", "answer"], {"question": "question", "answer": "answer"}),
        (["Frage", "Antwort", "Quelle"], {"question": 0, "answer": 1, "source": 2}),
        (["id", "PROMPT", "Completion"], {"question": 1, "answer": 2}),
        (["instruction", "input", "output"], {"question": 0, "context": 1, "answer": 2}),
        (["System_Prompt", "User", "Assistant"], {"system": 0, "question": 1, "answer": 2}),
        (["a", "b"], {"answer": 0}),
        (["one", "two"], {}),
    ],
)
def test_names_are_guessed_in_any_spelling(header, guessed):
    expected = {f: header[at] if isinstance(at, int) else at for f, at in guessed.items()}
    assert guess_columns(header) == expected


def test_only_a_whole_choice_is_one():
    assert Columns.complete({"question": "Q"}) is None
    assert Columns.complete({"question": "Q", "answer": "Q"}) is None
    assert Columns.complete({"question": "Q", "answer": "A", "context": ""}) == Columns("Q", "A")
    assert Columns.complete({"question": "Q", "answer": "A", "evil": "x"}) == Columns("Q", "A")


def test_plain_names_need_no_choice():
    assert is_plain(["Question", " ANSWER ", "other"])
    assert not is_plain(["Frage", "Antwort"])
