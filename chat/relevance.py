"""Whether what was found answers to the question at all: the expert abstains otherwise.

Both must speak for it: the encoder's likeness, and the question's own words in a passage; and each
name in the question must stand in one. The model is not asked; small ones abstain always or never.
On the demo's golden set this finds 8 of 20 unanswerable questions (most ask for a missing detail of
a thing that is documented) and wrongly abstains on 2 of 66. Pure functions.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from chat.claims import coverage
from chat.experts import RetrievalSettings
from chat.words import FILLER, MONTHS, TOKEN, content_words, names, numbers
from knowledge.passages import FoundPassage

# From this likeness on, other words for the same thing are believed.
LIKE_ENOUGH = 0.5
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
            round(passage.likeness, 4),
            round(coverage(words, frozenset(content_words(passage.context_text))), 4),
        )
        for passage in passages
    ]


def why_not(
    question: str, query: str, passages: Sequence[FoundPassage], settings: RetrievalSettings
) -> str:
    """Why the question can't be answered from what was found for the query; "" when it can."""
    if any(passage.computation is not None for passage in passages):
        return ""
    if not any(evidence.suffices(settings) for evidence in weigh(query, passages)):
        return "nothing alike"
    if missing := unknown_names(question, passages):
        return f"nowhere: {', '.join(missing)}"
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
