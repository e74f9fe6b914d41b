"""A follow-up carries what it leans on; a question of its own carries nothing."""

import pytest

from chat.followups import standalone

EARLIER = "What is the warranty period of Heron pumps?"
LEANING = (
    "And for the Osprey?",
    "For the Osprey?",
    "How long is it?",
    "What about wear parts?",
    "Why?",
    "Since when?",
    "How much?",
    "Does that cover seals?",
    "When must the customer report it?",
    "Who pays for this?",
    "Is the same true of the Otter?",
    "What is their price?",
    "And the price?",
    "Can they be extended?",
    "Are there exceptions?",
    "What else?",
    "How much does that cost?",
    "Which of these apply in Ruhlau?",
    "In winter?",
    "What happens after that?",
    "So is it valid there?",
    "Tell me more",
)
STANDING = (
    "How many days of annual leave does a new employee get?",
    "Who is the Safety Officer in Kellerby?",
    "Who makes the jam?",
    "What is jam?",
    "What is a Thistle?",
    "And how many days of annual leave does a new employee get?",
    "So who leads the parts warehouse in Stennick?",
    "Is it allowed to smoke in Hall 3?",
    "Is it possible to carry leave into the next year?",
    "How long does it take to get a refund?",
    "Do visitors of the foundry need their own shoes?",
    "If a pump leaks, must I stop it?",
    "What does fault code E22 mean?",
    "Is there a canteen in Stennick?",
    "What is the rule that bans open flames?",
    "Which PIN does a PanelOne have?",
    "How old may hoses be?",
    "Where do I park?",
    "What must be done so that the alarm stops?",
    "When was the firm founded?",
)


@pytest.mark.parametrize("question", LEANING)
def test_a_follow_up_is_searched_with_the_earlier_words(question):
    text = standalone(question, EARLIER)
    assert text.endswith(question) and "warranty" in text


@pytest.mark.parametrize("question", STANDING)
def test_a_question_of_its_own_stays_as_it_is(question):
    assert standalone(question, EARLIER) == question
    assert standalone(question, "How often is the extinguisher inspected?") == question


def test_another_name_takes_the_place_of_the_earlier_one():
    assert standalone("And for the Osprey?", EARLIER) == "warranty period pumps And for the Osprey?"
    assert "Heron" in standalone("How long is it?", EARLIER)


def test_words_are_not_said_twice_and_few_are_borrowed():
    assert standalone("And the warranty of Otter?", EARLIER).lower().count("warranty") == 1
    assert (
        len(standalone("Why?", "word1 " * 5 + " ".join(f"w{n}" for n in range(99))).split()) <= 13
    )


def test_the_first_question_stands_alone():
    assert standalone("Why?", None) == "Why?"
