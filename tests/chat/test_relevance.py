"""What was found must answer to the question: by likeness, by words, by names."""

from dataclasses import dataclass, field

import pytest

from chat.experts import RetrievalSettings
from chat.relevance import Evidence, unknown_names, weigh


@dataclass
class Found:
    context_text: str
    likeness: float = 0.4
    scores: dict = field(default_factory=dict)


@pytest.mark.parametrize(
    ("cosine", "overlap", "suffices"),
    [(0.2, 1.0, False), (0.35, 0.1, False), (0.35, 0.3, True), (0.55, 0.0, True), (0.3, 0.3, True)],
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
