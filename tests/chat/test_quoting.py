"""The key passage: verbatim, from the right passage, and none where there is nothing to quote."""

import pytest

from chat.attribution import Source
from chat.quoting import choose_quote
from tests.fakes import HashEncoder

WARRANTY = Source(
    1,
    "Warranty\nWear parts are excluded from the warranty. Pumps are covered for 24 months.",
    "Warranty terms",
)
PARTS = Source(2, "The seal kit of the Heron 80 is SK-22. Order it from the parts desk.", "Parts")


def quote(question, *sources):
    found = choose_quote(question, sources, encode=HashEncoder().encode_passages)
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
    found = choose_quote("seal kit", [first, twin], encode=HashEncoder().encode_passages)
    assert found.marker == 1


@pytest.mark.parametrize("text", ["", "Warranty", "Page 3\n\n7.3"])
def test_headings_and_nothing_are_not_quoted(text):
    assert quote("What about the warranty?", Source(1, text)) is None
