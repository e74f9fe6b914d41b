"""Sentences as spans of the very text, Markdown or not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.sentences import split_sentences


def cut(text):
    return [text[start:end] for start, end in split_sentences(text)]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two!  Three?", ["One.", "Two!", "Three?"]),
        ("It costs 2.50 euros. Pay soon.", ["It costs 2.50 euros.", "Pay soon."]),
        ("See p. 7 of Dr. Ito. Then stop.", ["See p. 7 of Dr. Ito.", "Then stop."]),
        ("Use oil, e.g. ISO 46. Not water.", ["Use oil, e.g. ISO 46.", "Not water."]),
        ("It is so. [1] And so. [2][3]", ["It is so. [1]", "And so. [2][3]"]),
        ("- First item\n- Second item", ["First item", "Second item"]),
        ("1. Open it.\n2. Close it.", ["Open it.", "Close it."]),
        ("# Title\n\nText goes\non here.", ["Title", "Text goes\non here."]),
        ("| a | 1 |\n|---|---|\n| b | 2 |", ["a | 1", "b | 2"]),
        ("Before.\n```\ncode. Not a sentence.\n```\nAfter.", ["Before.", "After."]),
        ("> Quoted words.", ["Quoted words."]),
        (
            "Part: A; Price: 4.5\nPart: B; Price: 6\nOrder. Now.",
            ["Part: A; Price: 4.5", "Part: B; Price: 6", "Order.", "Now."],
        ),
        ("Do this: 1. Open it. 2. Close it.", ["Do this:", "Open it.", "Close it."]),
        ("Causes: 1. Low oil 2. A leak 3. Dirt", ["Causes:", "Low oil", "A leak", "Dirt"]),
        ("It weighs 1. Then 3. And so on.", ["It weighs 1.", "Then 3.", "And so on."]),
        ("No full stop", ["No full stop"]),
        ("... --- !!!", []),
        ("", []),
    ],
)
def test_sentences_are_cut_where_a_reader_would(text, sentences):
    assert cut(text) == sentences


@given(st.text(alphabet="Ab1 .!?\n-*#|`>[]()~“”é🙂", max_size=200))
def test_spans_are_in_order_apart_and_inside(text):
    end = 0
    for span in split_sentences(text):
        assert end <= span.start < span.end <= len(text)
        assert text[span.start : span.end].strip()
        end = span.end
