"""The key passage: verbatim, from the right passage, and none where there is nothing to quote."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.attribution import Source
from chat.quoting import choose_quote, choose_quotes, rank_sentences
from tests.fakes import HashEncoder

WARRANTY = Source(
    1,
    "Warranty\nWear parts are excluded from the warranty. Pumps are covered for 24 months.",
    "Warranty terms",
)
PARTS = Source(2, "The seal kit of the Heron 80 is SK-22. Order it from the parts desk.", "Parts")


def ranked(question, sources, own=""):
    return rank_sentences(question, sources, encode=HashEncoder().encode_passages, own=own)


def quote(question, *sources):
    found = choose_quote(ranked(question, sources))
    if found is None:
        return None
    source = next(source for source in sources if source.marker == found.marker)
    return source.text[found.span.start : found.span.end]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Which seal kit does the Heron 80 take?", "The seal kit of the Heron 80 is SK-22."),
        ("For how long are pumps covered?", "Pumps are covered for 24 months."),
    ],
)
def test_the_best_sentence_is_quoted_word_for_word(question, expected):
    assert quote(question, WARRANTY, PARTS) == expected
    assert quote(question, PARTS, WARRANTY) == expected


def test_of_two_equal_sentences_the_better_passage_speaks():
    twin = Source(2, PARTS.text, PARTS.context)
    first = Source(1, PARTS.text, PARTS.context)
    found = choose_quote(ranked("seal kit", [first, twin]))
    assert found.marker == 1


@pytest.mark.parametrize("text", ["", "Warranty", "Page 3\n\n7.3"])
def test_headings_and_nothing_are_not_quoted(text):
    assert quote("What about the warranty?", Source(1, text)) is None


HANDBOOK = Source(
    1,
    "Wear parts are shaft seals and wear rings. They are covered for three months. "
    "Pumps are covered for 24 months.\n\nNot covered are:\n- damage by dry running\n"
    "- damage by frost in winter\n- paint of the housing\n\nClaims go to the parts desk.",
    "Warranty",
)
TWIN = Source(2, "Pumps are covered for 24 months.", "Warranty, older")


def quotes(question, *sources, most=3, own=""):
    found = choose_quotes(ranked(question, sources, own), most=most)
    texts = {source.marker: source.text for source in sources}
    return [(each.marker, texts[each.marker][slice(*each.span)]) for each in found]


def test_a_sentence_brings_the_one_that_it_leans_on():
    (found,) = quotes("They are covered for three months?", HANDBOOK, most=1)
    assert found == (
        1,
        "Wear parts are shaft seals and wear rings. They are covered for three months.",
    )


def test_a_sentence_that_opens_a_list_brings_the_list_and_nothing_after_it():
    found = [text for _, text in quotes("What is not covered?", HANDBOOK, most=1)]
    assert found == [
        "Not covered are:",
        "damage by dry running",
        "damage by frost in winter",
        "paint of the housing",
    ]


def test_the_words_of_a_follow_up_count_more_than_those_it_took_over():
    asked = "seal kit Heron 80 And where do I order it?"
    (found,) = quotes(asked, PARTS, most=2, own="And where do I order it?")
    assert found[1].endswith("Order it from the parts desk.")
    (found,) = quotes(asked, PARTS, most=2)
    assert "Order" not in found[1]


def test_what_says_the_same_is_quoted_once():
    found = quotes("For how long are pumps covered?", HANDBOOK, TWIN)
    assert [text for _, text in found].count("Pumps are covered for 24 months.") == 1


def test_what_is_far_behind_the_best_is_left_out():
    found = [text for _, text in quotes("For how long are pumps covered?", HANDBOOK, TWIN)]
    assert "Claims go to the parts desk." not in found


@given(st.text(alphabet="Ab. \n:-", max_size=80), st.integers(1, 4))
def test_quotes_are_words_of_their_passage_and_never_overlap(text, most):
    source = Source(1, f"{text} Bolts are made of steel. {text} Nuts are made of steel.", "Parts")
    found = choose_quotes(ranked("bolts", [source]), most=most)
    spans = [each.span for each in found]
    assert spans == sorted(spans) and spans
    assert all(one.end <= other.start for one, other in pairwise(spans))
    assert all(source.text[span.start : span.end].strip() for span in spans)
