"""A dataset's examples as the page lists them: by use or finding, one beside the next, as tokens.

Reads rows only; decides nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from training.masking import IGNORED, mask_example
from training.models import Dataset, Example
from training.tokens import Codec

_ACCEPTED = Q(state=Example.State.ACCEPTED)
FILTERS: Mapping[str, tuple[str, Q]] = {
    "all": ("All", Q()),
    "waiting": ("To review", Q(state=Example.State.CANDIDATE)),
    "learn": ("To learn from", _ACCEPTED & Q(split=Example.Split.TRAIN)),
    "measure": ("Held back", _ACCEPTED & Q(split=Example.Split.EVAL)),
    "rejected": ("Rejected", Q(state=Example.State.REJECTED)),
    "near": ("Near-duplicates", Q(near__isnull=False)),
}


@dataclass(frozen=True)
class Token:
    """One id as the model sees it."""

    number: int
    text: str
    is_learned: bool
    # Made by the template, never by the words of an example.
    is_special: bool


def listed(examples: QuerySet[Example], name: str) -> QuerySet[Example]:
    """Those of a filter; all for a name that there is not."""
    return examples.filter(FILTERS.get(name, FILTERS["all"])[1]).order_by("line")


def tabs(examples: QuerySet[Example]) -> list[tuple[str, str, int]]:
    """Name, label and count of each filter that finds anything."""
    counted = [
        (name, label, examples.filter(which).count()) for name, (label, which) in FILTERS.items()
    ]
    return [tab for tab in counted if tab[2] or tab[0] == "all"]


def beside(example: Example, examples: QuerySet[Example]) -> dict[str, int | None]:
    """Lines of the examples before and after it in the same list."""
    lines = examples.order_by("line").values_list("line", flat=True)
    return {
        "previous": lines.filter(line__lt=example.line).order_by("-line").first(),
        "next": lines.filter(line__gt=example.line).first(),
    }


def tokens_of(example: Example, codec: Codec) -> list[Token]:
    """The ids that training and serving see, and which of them are learned."""
    masked = mask_example(codec, example.messages)
    learned = [label != IGNORED for label in masked.labels]
    words = codec.words(masked.ids)
    return [
        Token(number, word, is_learned, codec.is_special(number))
        for number, word, is_learned in zip(masked.ids, words, learned, strict=True)
    ]


def lengths(dataset: Dataset) -> list[int]:
    """Tokens of every example that is counted."""
    kept = dataset.examples.exclude(state=Example.State.REJECTED)
    found: Any = kept.exclude(tokens=None).values_list("tokens", flat=True)
    return list(found)
