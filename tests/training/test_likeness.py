"""Texts that nearly repeat each other are found, and those of other figures are not."""

import pytest

from training.likeness import near_across, near_pairs

LONG = "The seal kit of the pump lies on the second shelf of the store behind the workshop"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (LONG, f"{LONG}."),
        (LONG, LONG.upper()),
        (LONG, LONG.replace("second shelf", "second shelfs")),
        (f"{LONG} since 2024", f"{LONG}, since 2024!"),
        ("Wo liegt die Dichtung?", "wo liegt die Dichtung"),
        ("", "  "),
    ],
)
def test_what_says_nearly_the_same_is_found(one, other):
    assert near_pairs([one, other]) == {1: 0}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Which seal kit fits the Heron 40?", "Which seal kit fits the Heron 80?"),
        (f"{LONG} SK-17", f"{LONG} SK-71"),
        (LONG, LONG[:50]),
        ("Which seal fits?", "How long is the warranty?"),
    ],
)
def test_what_says_something_else_is_not(one, other):
    assert near_pairs([one, other]) == {}


def test_each_is_told_the_first_that_it_repeats():
    assert near_pairs([LONG, "Something else", f"{LONG}!", f"{LONG}?"]) == {2: 0, 3: 0}


def test_many_alike_are_each_found_once():
    texts = [f"{LONG}{'!' * n}" for n in range(300)]
    assert near_pairs(texts) == dict.fromkeys(range(1, 300), 0)


def test_two_lists_are_compared_across_only():
    assert near_across(["x", LONG.lower()], ["other", LONG, LONG]) == {1: 1}
    assert near_across([LONG, LONG], ["x"]) == {}


def test_only_the_beginning_of_a_very_long_text_is_read():
    assert near_pairs([LONG * 1000, LONG * 1000 + " and an end"]) == {1: 0}
