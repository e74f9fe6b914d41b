"""Two documents that give other figures for one thing are told apart from all that is alike."""

from dataclasses import dataclass

import pytest

from chat.conflicts import find_conflicts
from chat.sentences import Span

HERE = "The warranty of Heron pumps is 24 months."


@dataclass
class Held:
    marker: int
    text: str
    document_id: str
    document_title: str = "Terms"


def conflicts(other, *, here=HERE, same_document=False):
    passages = [Held(1, here, "a"), Held(2, other, "a" if same_document else "b", "Old terms")]
    return find_conflicts(passages, [(1, Span(0, len(here)))])


@pytest.mark.parametrize(
    "other",
    [
        "The warranty of Heron pumps is 18 months.",
        "Claims are free. Heron pumps have a warranty of 12 months. Ask the desk.",
    ],
)
def test_another_figure_for_the_same_thing_is_a_conflict(other):
    (found,) = conflicts(other)
    assert (found.one.marker, found.one.words) == (1, HERE)
    assert (found.other.marker, found.other.title) == (2, "Old terms")
    assert "months" in found.other.words and "Claims" not in found.other.words


@pytest.mark.parametrize(
    "other",
    [
        "The warranty of Heron pumps is 24 months.",
        "The warranty of Otter pumps is 18 months.",
        "The warranty of Heron pumps is 6,000 hours.",
        "The warranty of Heron pumps is 24 months, or 18 months abroad.",
        "Heron pumps weigh 40 kg.",
        "The warranty of Heron pumps is long.",
        "",
    ],
)
def test_what_agrees_or_is_on_something_else_is_none(other):
    assert conflicts(other) == []


def test_sizes_are_names_and_not_figures():
    here = "The Heron 40 has a warranty of 24 months."
    assert conflicts("The Heron 80 has a warranty of 18 months.", here=here) == []
    assert conflicts("The Heron 40 has a warranty of 18 months.", here=here)


def test_one_document_does_not_contradict_itself():
    assert conflicts("The warranty of Heron pumps is 18 months.", same_document=True) == []


def test_only_what_the_answer_rests_on_is_compared():
    passages = [Held(1, HERE, "a"), Held(2, "The warranty of Heron pumps is 18 months.", "b")]
    assert find_conflicts(passages, []) == []
    assert find_conflicts(passages, [(9, Span(0, 5))]) == []


KIT = "The seal kit of the Heron pump is SK-17. It costs 48 euros."


@pytest.mark.parametrize(
    ("other", "differs"),
    [
        ("The seal kit of the Heron pump is SK-17. It costs 39 euros.", True),
        ("The wear ring of the Heron pump is WR-9. It costs 39 euros.", False),
        ("It costs 39 euros.", False),
    ],
)
def test_it_stands_for_what_was_said_before(other, differs):
    assert bool(conflicts(other, here=KIT)) is differs
