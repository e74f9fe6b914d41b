"""What was found must answer to the question: by likeness, by words, by names."""

from dataclasses import dataclass, field

import pytest

from chat.attribution import Source
from chat.experts import RetrievalSettings
from chat.quoting import rank_sentences
from chat.relevance import Evidence, unknown_names, weigh, why_not
from tests.fakes import HashEncoder


@dataclass
class Found:
    context_text: str
    likeness: float = 0.4
    scores: dict = field(default_factory=dict)
    computation: dict | None = None


@pytest.mark.parametrize(
    ("cosine", "overlap", "suffices"),
    [
        (0.15, 1.0, False),
        (0.22, 0.75, True),
        (0.22, 0.6, False),
        (0.35, 0.1, False),
        (0.35, 0.3, True),
        (0.55, 0.0, True),
        (0.3, 0.3, True),
    ],
)
def test_likeness_and_words_must_both_speak_for_a_passage(cosine, overlap, suffices):
    assert Evidence(cosine, overlap).suffices(RetrievalSettings()) is suffices


def test_the_overlap_counts_the_questions_own_words():
    found = Found("Warranty terms: Heron pumps have 24 months.")
    (evidence,) = weigh("What is the warranty of the Heron?", [found])
    assert (evidence.cosine, evidence.overlap) == (0.4, 1.0)
    assert weigh("Who won the cup?", [found])[0].overlap == 0.0


@pytest.mark.parametrize(
    ("question", "missing"),
    [
        ("What does a Heron 160 cost?", ["Heron 160"]),
        ("What does a Heron 120 cost?", []),
        ("Is there a bulletin SB-26-11 for it?", ["sb-26-11"]),
        ("What do customers in Brazil get?", ["brazil"]),
        ("what do customers in brazil get?", []),
        ("What Was Ordered In Brazil And Japan?", []),
        ("Can I still get it in March 2026?", []),
    ],
)
def test_a_name_that_no_passage_holds_is_noticed(question, missing):
    passages = [Found("The Heron 120 and the Heron 80 stand in SB-26-04."), Found("Bulletins")]
    assert unknown_names(question, passages) == missing


PASSAGES = ("The Heron 120 stands in Hall 2 of Kellerby. It was painted in 2019.", "Bulletins")


def reason(question, cosine=0.4, sentence=0.6, computation=None, **settings):
    """Why it is not answered, where passages and sentences are that alike to the question."""
    found = [Found(text, cosine, computation=computation) for text in PASSAGES]
    sources = [Source(marker, text) for marker, text in enumerate(PASSAGES, start=1)]
    sentences = rank_sentences(
        question, sources, encode=HashEncoder().encode_passages, likeness=lambda cosine: sentence
    )
    evidence = weigh(question, found)
    return why_not(question, found, evidence, sentences, RetrievalSettings(**settings))


def test_what_is_alike_is_answered():
    assert reason("Where does the Heron 120 stand?") == ""


@pytest.mark.parametrize(
    ("question", "changes", "why"),
    [
        ("Where does the Heron 120 stand?", {"cosine": 0.1}, "no passage is alike"),
        ("Where does the Heron 120 stand?", {"min_score": 0.9}, "no passage is alike"),
        ("Where does the Heron 160 stand?", {}, "nowhere: Heron 160"),
        (
            "Which colour was chosen for the roof of the Heron 120?",
            {"sentence": 0.3},
            "no sentence is alike",
        ),
        ("Where does the Heron 120 stand?", {"sentence": 0.3}, ""),
    ],
)
def test_each_reason_alone_is_enough(question, changes, why):
    assert reason(question, **changes) == why


def test_what_was_computed_for_the_question_always_answers_it():
    assert reason("Who won the cup?", cosine=0.0, computation={"plan": "count"}) == ""
