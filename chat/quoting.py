"""The key passage: the sentence of the documents that best answers the question, word for word.

Exact even where the model is weak. Chosen by the encoder and by the question's own words, without
the model. Pure functions; knows no database.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from chat.attribution import Encode, Source
from chat.claims import coverage
from chat.sentences import Span, split_sentences
from chat.words import content_words

# Share of the question's words in the score; the rest is the encoder's likeness.
WORDS_SHARE = 0.3
# What each place further down in the ranking of passages costs.
PER_RANK = 0.05
# Shorter ones are headings, or answers to nothing in particular.
FEWEST_WORDS = 3


@dataclass(frozen=True)
class Quote:
    """A sentence of the passage with that marker."""

    marker: int
    span: Span


def choose_quote(question: str, sources: Sequence[Source], *, encode: Encode) -> Quote | None:
    """The best sentence of these passages, given best first; None when they hold no sentence."""
    candidates = [
        (rank, source, span)
        for rank, source in enumerate(sources)
        for span in split_sentences(source.text)
        if len(content_words(source.text[span.start : span.end])) >= FEWEST_WORDS
    ]
    if not candidates:
        return None
    texts = [_in_context(source, span) for _, source, span in candidates]
    vectors = encode([question, *texts])
    asked = frozenset(content_words(question))

    def score(index: int) -> float:
        held = coverage(asked, frozenset(content_words(texts[index])))
        alike = float(vectors[index + 1] @ vectors[0])
        rank = candidates[index][0]
        return WORDS_SHARE * held + (1 - WORDS_SHARE) * alike - PER_RANK * rank

    _, source, span = candidates[max(range(len(candidates)), key=score)]
    return Quote(source.marker, span)


def _in_context(source: Source, span: Span) -> str:
    """A sentence alone may not say what it is about; its title and headings do."""
    return f"{source.context}. {source.text[span.start : span.end]}"
