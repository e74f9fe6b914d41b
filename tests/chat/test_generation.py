"""A model that says the same for ever is ended; one that only resembles itself is not."""

import pytest

from chat.generation import loop_length

SENTENCE = "The code E22 is used to check the coupling guard. "


@pytest.mark.parametrize("before", ["", "Check the guard first. "])
def test_the_third_time_ends_a_loop_and_leaves_it_once(before):
    text = before + SENTENCE * 3
    assert text[: -loop_length(text)] == before + SENTENCE


@pytest.mark.parametrize(
    "text",
    [
        "",
        SENTENCE * 2,
        SENTENCE * 2 + "Then close it.",
        "- a\n- b\n- c\n" * 2,
        "Row 1: 24 months. Row 2: 24 months. Row 3: 24 months. Row 4: 24 months.",
        "no no no no no",
    ],
)
def test_likeness_alone_is_no_loop(text):
    assert loop_length(text) == 0
