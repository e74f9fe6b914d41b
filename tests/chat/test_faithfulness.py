"""One figure for how far an answer rests on its passages."""

import pytest

from chat.attribution import Attribution, Source
from chat.faithfulness import faithfulness

TEXT = "Seals wear out. Bananas grow."
SOURCES = (Source(1, "Seals wear out after a year.", "Parts"),)


def cited(first, second):
    return [
        Attribution(0, 15, "supported", first, 1),
        Attribution(16, 29, "unsupported", second),
    ]


def test_it_lies_between_nothing_and_all():
    assert faithfulness(TEXT, SOURCES, cited(1.0, 0.0)) == pytest.approx(
        0.5 * 2 / 4 + 0.5 * 15 / 28
    )
    assert faithfulness(TEXT[:15], SOURCES, cited(1.0, 0.0)[:1]) == 1.0
    assert faithfulness("Bananas grow.", SOURCES, [Attribution(0, 13, "unsupported", 0.0)]) == 0.0


def test_a_sentence_on_two_passages_counts_once_with_the_better():
    twice = [*cited(1.0, 0.0), Attribution(0, 15, "supported", 0.9, 2)]
    assert faithfulness(TEXT, SOURCES, twice) == faithfulness(TEXT, SOURCES, cited(1.0, 0.0))


def test_what_claims_nothing_is_faithful():
    assert faithfulness("Sure!", SOURCES, []) == 1.0
