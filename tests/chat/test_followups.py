"""A follow-up carries what it leans on; a question of its own carries nothing."""

import pytest

from chat.followups import standalone

EARLIER = "What is the warranty period of Heron pumps?"


@pytest.mark.parametrize(
    "question",
    [
        "And for the Osprey?",
        "How long is it?",
        "What about wear parts?",
        "Why?",
        "Does that cover seals?",
    ],
)
def test_a_follow_up_is_searched_with_the_earlier_words(question):
    text = standalone(question, EARLIER)
    assert text.endswith(question) and "warranty" in text and "Heron" in text


@pytest.mark.parametrize(
    "question",
    [
        "How many days of annual leave does a new employee get?",
        "Who is the Safety Officer in Kellerby?",
    ],
)
def test_a_question_of_its_own_stays_as_it_is(question):
    assert standalone(question, EARLIER) == question


def test_words_are_not_said_twice_and_few_are_borrowed():
    assert standalone("And the warranty of Otter?", EARLIER).lower().count("warranty") == 1
    assert (
        len(standalone("Why?", "word1 " * 5 + " ".join(f"w{n}" for n in range(99))).split()) <= 13
    )


def test_the_first_question_stands_alone():
    assert standalone("Why?", None) == "Why?"
