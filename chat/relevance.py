"""Whether what was found answers to the question at all: the expert abstains otherwise.

Passages must speak for it, by the encoder's likeness and by the question's own words; so must one
of their sentences; and each name in the question must stand somewhere. The model is not asked;
small ones abstain always or never. What that finds, and how often wrongly, is measured by
benchmarks/abstention.py: most unanswerable questions that pass ask for a missing detail of a thing
that is documented. Pure functions.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from chat.claims import coverage
from chat.experts import RetrievalSettings
from chat.quoting import Ranked
from chat.words import FILLER, MONTHS, TOKEN, content_words, names, numbers
from knowledge.passages import FoundPassage

# From this likeness on, other words for the same thing are believed.
LIKE_ENOUGH = 0.5
# From this share of the question's words on, a passage may be a little less alike than is asked.
SAID_ENOUGH, LENIENCE = 0.7, 0.1
# Without a sentence that is as alike as this, or says as much, nothing answers. Chosen on the
# demo's dataset and every second golden question.
SENTENCE_ALIKE, SENTENCE_SAYS = 0.42, 0.55
# A product and its size, "Heron 160": another size is another product.
DESIGNATION = re.compile(r"\b([A-Z][a-z]{2,})\s+(\d+)\b")
# In a text with more capitals than this, capitals are no sign of names.
CAPITALS_UP_TO = 0.34


@dataclass(frozen=True)
class Evidence:
    """What speaks for one passage: its likeness (a cosine, as the first encoder means it), and its
    share of the question's content words.
    """

    cosine: float
    overlap: float

    def is_like(self, settings: RetrievalSettings) -> bool:
        """Whether the passage may be used."""
        is_said = self.overlap >= SAID_ENOUGH and self.cosine >= settings.min_score - LENIENCE
        return self.cosine >= settings.min_score or is_said

    def suffices(self, settings: RetrievalSettings) -> bool:
        """Whether it may be used alone."""
        is_said = self.overlap >= settings.min_overlap or self.cosine >= LIKE_ENOUGH
        return is_said and self.is_like(settings)


def weigh(query: str, passages: Sequence[FoundPassage]) -> list[Evidence]:
    """The evidence for each passage."""
    words = frozenset(content_words(query)) | frozenset(numbers(query))
    return [
        Evidence(
            round(passage.likeness, 4),
            round(coverage(words, frozenset(content_words(passage.context_text))), 4),
        )
        for passage in passages
    ]


def why_not(
    question: str,
    passages: Sequence[FoundPassage],
    evidence: Sequence[Evidence],
    sentences: Sequence[Ranked],
    settings: RetrievalSettings,
) -> str:
    """Why the question can't be answered from the passages; "" when it can.

    `evidence` weighs them, `sentences` are theirs.
    """
    if any(passage.computation is not None for passage in passages):
        return ""
    if not any(each.suffices(settings) for each in evidence):
        return "no passage is alike"
    if missing := unknown_names(question, passages):
        return f"nowhere: {', '.join(missing)}"
    is_alike = any(each.cosine >= SENTENCE_ALIKE for each in sentences)
    if not is_alike and not any(each.held >= SENTENCE_SAYS for each in sentences):
        return "no sentence is alike"
    return ""


def unknown_names(question: str, passages: Sequence[FoundPassage]) -> list[str]:
    """Names in the question that no passage holds: there is nothing here about them."""
    text = " ".join(" ".join(passage.context_text for passage in passages).split())
    held, lower = names(text) | set(content_words(text)), text.lower()
    missing = [
        f"{name} {size}"
        for name, size in DESIGNATION.findall(question)
        if name.lower() not in FILLER | MONTHS.keys()
        and not re.search(rf"\b{name.lower()}\s+{size}\b", lower)
    ]
    words = TOKEN.findall(question)
    if sum(word[0].isupper() for word in words) <= CAPITALS_UP_TO * len(words) + 1:
        missing += sorted(names(question) - held)
    return missing
