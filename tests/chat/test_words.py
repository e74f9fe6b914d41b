"""Words, figures, names and denials in one spelling."""

import pytest

from chat.words import content_words, is_negated, names, normalised, numbers


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("6,000 hours", "6000 hours"),
        ("2.50 euros", "2.5 euros"),
        ("1,5 bar", "1.5 bar"),
        ("three months", "3 months"),
        ("on 4 March 1987", "on March 4th, 1987"),
        ("on 4 March 1987", "on 1987-03-04"),
    ],
)
def test_a_figure_has_one_spelling(one, other):
    assert numbers(one) == numbers(other) != set()


@pytest.mark.parametrize(
    ("one", "other"), [("6,000", "6,001"), ("1.5", "15"), ("4 March 1987", "4 May 1987")]
)
def test_other_figures_stay_others(one, other):
    assert numbers(one) != numbers(other)


def test_words_lose_their_endings_and_fillers():
    assert content_words("What are the warranties of our pumps?") == content_words("warranty pump")
    assert content_words("dry-running") == content_words("dry running")
    assert content_words("It is what it is.") == []


def test_names_are_capitals_inside_a_sentence_and_codes():
    assert names("The Heron 120 uses SK-29 in May, says Ingrid.") == {"heron", "sk-29", "ingrid"}
    assert names("Order it.") == set()


@pytest.mark.parametrize(
    ("text", "denies"),
    [
        ("It is covered.", False),
        ("It isn't covered.", True),
        ("It isn’t covered.", True),
        ("It is not without cover.", False),
        ("Never run it dry.", True),
        ("Wear parts are excluded.", True),
    ],
)
def test_a_denial_is_seen(text, denies):
    assert is_negated(text) is denies


def test_words_around_a_date_stay():
    assert normalised("From 1 January 2026 on.") == "From 2026-01-01 on."
