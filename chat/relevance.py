"""Whether what was found answers to the question at all: the expert abstains otherwise.

Both must speak for it: the encoder's likeness, and the question's own words in the passages. The
model is not asked; small ones abstain always or never. Pure functions.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from chat.attribution import coverage
from chat.experts import RetrievalSettings
from chat.words import content_words, numbers
from knowledge.passages import FoundPassage

# From this likeness on, other words for the same thing are believed.
LIKE_ENOUGH = 0.62


@dataclass(frozen=True)
class Evidence:
    """What speaks for one passage: its cosine, and its share of the question's content words."""

    cosine: float
    overlap: float

    def suffices(self, settings: RetrievalSettings) -> bool:
        """Whether the passage counts as relevant."""
        if self.cosine < settings.min_score:
            return False
        return self.overlap >= settings.min_overlap or self.cosine >= LIKE_ENOUGH


def weigh(query: str, passages: Sequence[FoundPassage]) -> list[Evidence]:
    """The evidence for each passage."""
    words = frozenset(content_words(query)) | frozenset(numbers(query))
    return [
        Evidence(
            round(passage.cosine, 4),
            round(coverage(words, frozenset(content_words(passage.context_text))), 4),
        )
        for passage in passages
    ]
