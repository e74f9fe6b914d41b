"""Questions are made of a passage's own words, and each answer stands in it."""

import pytest

from training.questions import questions_from


def asked(text, **context):
    found = questions_from(text, **({"title": "Pump manual"} | context))
    return {one.question: (one.kind, one.answer) for one in found}


@pytest.mark.parametrize(
    ("text", "kind", "question"),
    [
        ("A Green Tag is a paper label for machines.", "definition", "What is a Green Tag?"),
        ("Heat Card means a permit for hot work.", "definition", "What is Heat Card?"),
        (
            "The warranty of the Heron 40 is 24 months.",
            "figure",
            "What does Pump manual say about the warranty of the Heron 40?",
        ),
        (
            "Wear parts must be replaced every 4,000 hours.",
            "figure",
            "What does Pump manual say about Wear parts?",
        ),
    ],
)
def test_a_sentence_is_asked_for_and_answered_by_itself(text, kind, question):
    assert asked(text) == {question: (kind, text)}


def test_a_german_passage_is_asked_in_german():
    text = "Die Gewährleistung beträgt 24 Monate. Ein Heizschein ist eine Erlaubnis für Arbeiten."
    assert list(asked(text, language="German")) == [
        "Was steht in Pump manual über die Gewährleistung?",
        "Was ist ein Heizschein?",
    ]


def test_every_cell_of_a_row_is_asked_for():
    found = asked("Product: Heron 40; Period: 24 months; Seal: SK-17")
    assert found == {
        "What is the Period of Heron 40?": ("table row", "Heron 40 – Period: 24 months."),
        "What is the Seal of Heron 40?": ("table row", "Heron 40 – Seal: SK-17."),
    }


def test_a_heading_is_asked_for_with_the_first_sentence_below_it():
    text = "Keep the pump dry while it stands. Other words follow here."
    found = asked(text, headings=["Service", "Storage"])
    assert found["What does Pump manual say about “Storage”?"] == (
        "heading",
        "Keep the pump dry while it stands.",
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "It is a label of 24 months.",
        "This means the 3 pumps.",
        "Stop.",
        "no capital is a start of 4 words",
        "42: 17; 43: 18",
        "A heading without an end",
        f"The word is a {'very ' * 100}long one.",
    ],
)
def test_what_names_nothing_is_not_asked_for(text):
    assert asked(text) == {}


def test_another_passage_with_the_same_words_answers_too():
    one = next(questions_from("Product: Heron 40; Seal: SK-17", title="x"))
    assert one.is_answered_by("the HERON 40 takes  sk-17")
    assert not one.is_answered_by("the Heron 80 takes SK-17")
