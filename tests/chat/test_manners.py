"""Manners and not knowing claim nothing; everything else does."""

import pytest

from chat.manners import says_nothing


@pytest.mark.parametrize(
    "sentence",
    [
        "Sure!",
        "Of course.",
        "I'm happy to help.",
        "I do not have that information.",
        "Sorry, I don’t know.",
        "Unfortunately, I could not find anything about it.",
        "The documents do not mention a price.",
        "The provided passages don't say who it was.",
        "There is no information about a discount.",
    ],
)
def test_it_says_nothing_of_the_documents(sentence):
    assert says_nothing(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "The warranty is 24 months.",
        "The documents say 24 months.",
        "The documents do not leave the house.",
        "There is no warranty.",
        "I have 24 months.",
        "Sure, it costs 48 euros.",
    ],
)
def test_it_claims_something(sentence):
    assert not says_nothing(sentence)
