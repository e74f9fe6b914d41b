from uuid import uuid4

import pytest

from benchmarks.retrieval_evidence import Stored, first_page, holding, locate
from benchmarks.retrieval_forms import Gold, Question

SEAL = "The seal kit of the pump is changed every four thousand hours, as the law asks."
OIL = "Use oil of grade 46 in every gear box and change it once a year."
FEES = "La délivrance est gratuite, sauf en cas de perte : 25 euros de timbre fiscal."


def stored(*texts):
    return [Stored(uuid4(), text, (number,)) for number, text in enumerate(texts, 1)]


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ("the seal kit of the pump is changed every four thousand hours", 0),
        (SEAL + " " + "And much more stands on that page. " * 9, 0),
        ("Change the oil, of grade 46, in each gear box once every year.", 1),
        ("en cas de perte, un timbre fiscal de 25 euros", 2),
        ("LA DELIVRANCE EST GRATUITE", 2),
        ("grade 46", 1),
    ],
)
def test_evidence_stands_where_its_words_do(words, place):
    chunks = stored(SEAL, OIL, FEES)
    assert holding(words, chunks) == [chunks[place]]


@pytest.mark.parametrize("words", ["The building is painted green every spring.", "", "—"])
def test_what_stands_nowhere_is_not_guessed(words):
    assert holding(words, stored(SEAL, OIL, FEES)) == []


def test_words_over_two_chunks_stand_in_both():
    first, second, _third = chunks = stored(SEAL, OIL, FEES)
    assert holding(f"{SEAL} {OIL}", chunks) == [first, second]


@pytest.mark.parametrize(("pages", "first"), [((1, 2), 1), ((0, 1), 0), ((2, 3), 1)])
def test_the_number_of_the_first_page_is_told_by_where_the_words_stand(pages, first):
    golds = (Gold("a.pdf", pages=pages[:1], words=SEAL), Gold("a.pdf", pages=pages[1:], words=OIL))
    questions = [Question("q", "?", golds)]
    chunks = {"a.pdf": stored(SEAL, OIL, FEES)}
    assert first_page(questions, locate(questions, chunks)) == first


def test_pages_from_0_are_seen_without_a_0():
    questions = [Question("q", "?", (Gold("a.pdf", pages=(2,), words=FEES),))]
    assert first_page(questions, locate(questions, {"a.pdf": stored(SEAL, OIL, FEES)})) == 0
