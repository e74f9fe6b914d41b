"""A sentence is cited when a passage says it, and never because it looks alike."""

import pytest

from chat.attribution import Source, attribute
from chat.claims import is_spelled
from tests.fakes import HashEncoder

WARRANTY = Source(
    1,
    "Wear parts are shaft seals and wear rings. They are covered for three months or 500 hours. "
    "The warranty of Heron pumps is 24 months. Damage by dry running is not covered.",
    "Warranty terms",
)
PRICES = Source(
    2,
    "| Part | Price |\n|---|---|\n| Seal kit SK-17 | 48.00 |\n| Seal kit SK-22 | 61.50 |",
    "Prices",
)
HISTORY = Source(
    3, "The company was founded on 4 March 1987 in Kellerby by Ingrid Solheim.", "History"
)
SOURCES = (WARRANTY, PRICES, HISTORY)


def judge(text, question=""):
    encode = HashEncoder().encode_passages
    return attribute(text, SOURCES, encode=encode, question=question)


@pytest.mark.parametrize(
    ("sentence", "marker"),
    [
        ("The warranty of Heron pumps is 24 months.", 1),
        ("Wear parts are covered for 3 months or 500 hours.", 1),
        ("Damage by dry running is not covered.", 1),
        ("Dry running damage isn't covered.", 1),
        ("The seal kit SK-17 has the price 48.", 2),
        ("The company was founded in Kellerby by Ingrid Solheim on 1987-03-04.", 3),
    ],
)
def test_what_a_passage_says_is_supported(sentence, marker):
    (found,) = judge(sentence)
    assert (found.verdict, found.marker) == ("supported", marker)
    assert sentence[found.start : found.end] == sentence


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ("The warranty of Heron pumps is 36 months.", "figure"),
        ("The warranty of Otter pumps is 24 months.", "name"),
        ("The warranty of Heron pumps is not 24 months.", "denial"),
        ("Damage by dry running is covered.", "denial dropped"),
        ("The seal kit SK-71 has the price 48.", "code"),
        ("The company was founded in Kellerby by Ingrid Solheim on 5 March 1987.", "date"),
        ("Bananas grow in tropical climates.", "another matter"),
        ("Damage by dry running is always covered.", "denial turned round"),
    ],
)
def test_one_changed_fact_takes_the_support_away(changed, why):
    (found,) = judge(changed)
    assert (found.verdict, found.marker, found.passage) == ("unsupported", None, None), why


def test_a_figure_from_elsewhere_in_the_passage_is_weak_at_most():
    (found,) = judge("The warranty of Heron pumps is 500 months.")
    assert found.verdict != "supported"


ROWS = Source(
    1,
    "Product: Heron pumps; Period: 24 months; Hours: 6,000\n"
    "Product: Otter mixers; Period: 18 months; Hours: 5,000",
    "Warranty periods",
)


@pytest.mark.parametrize(
    ("sentence", "verdict"),
    [
        ("The warranty period of Heron pumps is 24 months.", "supported"),
        ("The warranty period of Otter mixers is 18 months.", "supported"),
        ("The warranty period of Heron pumps is 18 months.", "weak"),
        ("The warranty period of Heron pumps is 12 months.", "unsupported"),
    ],
)
def test_rows_of_a_table_are_not_mixed(sentence, verdict):
    (found,) = attribute(sentence, (ROWS,), encode=HashEncoder().encode_passages)
    assert found.verdict == verdict


def test_the_best_words_of_the_passage_are_named():
    (found,) = judge("Heron pumps have a warranty of 24 months.")
    words = WARRANTY.text[found.passage.start : found.passage.end]
    assert words == "The warranty of Heron pumps is 24 months."


@pytest.mark.parametrize("forged", ["[3]", "[9]", "【2】", "[1][2][3]"])
def test_markers_of_the_model_are_not_believed(forged):
    text = f"The warranty of Heron pumps is 24 months {forged}."
    (found,) = judge(text)
    assert (found.verdict, found.marker) == ("supported", 1)
    (invented,) = judge(f"Bananas grow in tropical climates {forged}.")
    assert invented.verdict == "unsupported"


def test_a_terse_answer_is_read_with_its_question():
    (found,) = judge("24 months.", "What is the warranty of Heron pumps?")
    assert (found.verdict, found.marker) == ("supported", 1)
    (other,) = judge("24 months.", "What is the warranty of Osprey compressors?")
    assert other.verdict != "supported"


def test_two_passages_that_say_the_same_are_both_cited():
    twin = Source(2, WARRANTY.text, WARRANTY.context)
    found = attribute(
        "The warranty of Heron pumps is 24 months.",
        (WARRANTY, twin),
        encode=HashEncoder().encode_passages,
    )
    assert [each.marker for each in found] == [1, 2]
    first, _ = attribute(
        "The warranty of Heron pumps is 24 months [2].",
        (WARRANTY, twin),
        encode=HashEncoder().encode_passages,
    )
    assert first.marker == 2  # between equals, the written marker decides


@pytest.mark.parametrize("text", ["The terms are:\n\n---\n\nYes.", "Sure!", "I do not know."])
def test_what_claims_nothing_gets_no_verdict(text):
    assert judge(text) == []


LAB = Source(
    1,
    "Oil lowers the wear of seals. Does grease protect the bearing? "
    "Ask the lab whether paint protects the HIV-7 housing.",
    "Lab notes",
)


@pytest.mark.parametrize(
    ("sentence", "verdict"),
    [
        ("Oil reduces the wear of seals.", "supported"),
        ("Oil raises the wear of seals.", "unsupported"),
        ("Grease protects the bearing.", "weak"),
        ("Paint protects the HIV-7 housing.", "weak"),
        ("Paint protects the HIV-9 housing.", "unsupported"),
    ],
)
def test_directions_must_agree_and_questions_assert_nothing(sentence, verdict):
    (found,) = attribute(sentence, (LAB,), encode=HashEncoder().encode_passages)
    assert found.verdict == verdict


def test_names_may_be_spelled_with_or_without_hyphens():
    held = frozenset({"ab9-positiv", "ab-9", "test"})
    assert is_spelled("ab9", held) and is_spelled("test-ab", held | {"ab"})
    assert not is_spelled("sk-17", frozenset({"sk", "17"}))


def test_each_sentence_stands_for_itself():
    text = (
        "The warranty of Heron pumps is 24 months. It is blue. "
        "Damage by dry running is not covered."
    )
    assert [each.verdict for each in judge(text)] == ["supported", "unsupported", "supported"]


def test_without_passages_nothing_is_supported():
    (found,) = attribute("It is so everywhere.", (), encode=HashEncoder().encode_passages)
    assert found.verdict == "unsupported"
