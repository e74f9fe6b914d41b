"""Which sentence of an answer rests on which passage, and how well. Ours, not the model's.

Small models cite badly: markers that the model wrote only break ties. A sentence is compared with
the sentences of each passage by the encoder and by its content words; figures, dates, names and
denials must be in the passage too, however alike the rest is. Knows no database; thresholds are
never lowered to make something stick.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal

from chat.sentences import Span, is_row, split_sentences
from chat.words import amounts, content_words, is_negated, names, numbers

Verdict = Literal["supported", "weak", "unsupported"]
# Rows of vectors of unit length, one per text.
Encode = Callable[[list[str]], Any]

SUPPORTED_FROM, WEAK_FROM = 0.62, 0.42
# Passage windows that are compared by the encoder, per sentence.
COMPARED = 6
# A sentence of fewer content words means something only together with its question.
TERSE = 4
# Cosines of the packaged encoder: unrelated sentences lie about the first, paraphrases the second.
COSINE_LOW, COSINE_HIGH = 0.15, 0.75
WRITTEN = re.compile(r"[\[【]\s*(\d{1,3})\s*[\]】]")
# A denial in one of these parts of a sentence says nothing about the others.
CLAUSE = re.compile(r"[;|]|[.!?]\s|,\s+(?=(?:which|who|but|and|no)\b)")
# How much less a second passage may carry to be cited too; what a written marker adds.
SECOND_WITHIN, TIE_BREAK = 0.05, 0.02


@dataclass(frozen=True)
class Source:
    """A passage as it stood in the prompt; `context` is its title and headings."""

    marker: int
    text: str
    context: str = ""


@dataclass(frozen=True)
class Attribution:
    """A sentence of the answer and the passage that it rests on, with the passage's best words."""

    start: int
    end: int
    verdict: Verdict
    support: float
    marker: int | None = None
    passage: Span | None = None


@dataclass(frozen=True)
class _Claim:
    """What a text says, as sets that can be looked for elsewhere."""

    words: frozenset[str]
    numbers: frozenset[str]
    names: frozenset[str]
    # Figures with the word after them, where one follows: 24 month.
    amounts: frozenset[tuple[str, str]]
    # Each clause: its words, and whether it denies something.
    clauses: tuple[tuple[frozenset[str], bool], ...]

    def denies(self, words: frozenset[str]) -> bool:
        """Whether what is said about these words is denied; other clauses say nothing of them."""
        return sum(denied for held, denied in self.clauses if held & words) % 2 == 1

    def __or__(self, other: "_Claim") -> "_Claim":
        return replace(
            self,
            words=self.words | other.words,
            numbers=self.numbers | other.numbers,
            names=self.names | other.names,
        )


@dataclass(frozen=True)
class _Window:
    """One or two neighbouring sentences of a passage."""

    source: Source
    span: Span
    claim: _Claim
    context: _Claim
    whole: _Claim

    @property
    def text(self) -> str:
        return self.source.text[self.span.start : self.span.end]


def attribute(
    text: str, sources: Sequence[Source], *, encode: Encode, question: str = ""
) -> list[Attribution]:
    """Every sentence that claims something, in order; one resting on two passages comes twice."""
    windows = [window for source in sources for window in _windows(source)]
    asked = _claim(question)
    found: list[Attribution] = []
    for span in split_sentences(text):
        words = text[span.start : span.end]
        claim = _claim(WRITTEN.sub("", words))
        if not claim.words or words.rstrip("*_ ").endswith(":"):
            continue
        about = asked if len(claim.words) < TERSE else None
        near = _nearest(claim, about, windows)
        spoken = f"{question} {words}" if about else words
        scores = _scores(spoken, claim, about, near, encode)
        written = {int(number) for number in WRITTEN.findall(words)}
        found += _verdicts(span, near, scores, written)
    return found


def _claim(text: str) -> _Claim:
    return _Claim(
        frozenset(content_words(text)),
        frozenset(numbers(text)),
        frozenset(names(text)),
        frozenset(amounts(text)),
        tuple(
            (frozenset(content_words(clause)), is_negated(clause)) for clause in CLAUSE.split(text)
        ),
    )


def _windows(source: Source) -> list[_Window]:
    spans = split_sentences(source.text)
    # Never two rows: one's name would stand beside the other's figure.
    pairs = [
        Span(first.start, second.end)
        for first, second in pairwise(spans)
        if not any(is_row(_line(source.text, span)) for span in (first, second))
    ]
    context, whole = _claim(source.context), _claim(source.text)
    return [
        _Window(source, span, _claim(source.text[span.start : span.end]), context, whole)
        for span in [*spans, *pairs]
    ]


def _line(text: str, span: Span) -> str:
    """The whole lines that a span stands in; a row's bars lie outside the span."""
    start = text.rfind("\n", 0, span.start) + 1
    end = text.find("\n", span.end)
    return text[start : end if end >= 0 else len(text)]


def _nearest(claim: _Claim, about: _Claim | None, windows: list[_Window]) -> list[_Window]:
    """The windows that share most words with the sentence; for a terse one, with its question."""

    def rank(window: _Window) -> float:
        own = coverage(claim.words, window.claim.words | window.context.words)
        return own + (0.5 * coverage(about.words, window.claim.words) if about else 0.0)

    sharing = [window for window in windows if claim.words & window.claim.words]
    return sorted(sharing, key=rank, reverse=True)[:COMPARED]


def coverage(words: frozenset[str], held: frozenset[str]) -> float:
    """Share of the words that are held; figures count twice."""
    weights = {word: 2.0 if any(c.isdigit() for c in word) else 1.0 for word in words}
    total = sum(weights.values())
    return sum(weight for word, weight in weights.items() if word in held) / total if total else 0.0


def _scores(
    spoken: str, claim: _Claim, about: _Claim | None, near: list[_Window], encode: Encode
) -> list[float]:
    if not near:
        return []
    vectors = encode([spoken, *(window.text for window in near)])
    cosines = (vectors[1:] @ vectors[0]).tolist()
    return [
        _support(claim, about, window, float(cosine))
        for window, cosine in zip(near, cosines, strict=True)
    ]


def _support(claim: _Claim, about: _Claim | None, window: _Window, cosine: float) -> float:
    """0..1: likeness of words and meaning, capped where a fact is missing or denied."""
    around = window.claim | window.context
    lexical = coverage(claim.words, around.words)
    alike = min(1.0, max(0.0, (cosine - COSINE_LOW) / (COSINE_HIGH - COSINE_LOW)))
    score = 0.5 * lexical + 0.5 * alike
    denied = claim.denies(claim.words) != window.claim.denies(claim.words)
    if denied or _missing(claim, window.whole | window.context):
        return min(score, WEAK_FROM - 0.01)
    named = not about or about.names <= window.whole.names | window.whole.words | around.words
    if _missing(claim, around) or _other_amount(claim, window.claim) or not named:
        return min(score, SUPPORTED_FROM - 0.01)
    return score


def _missing(claim: _Claim, held: _Claim) -> bool:
    """Whether a figure or a name of the claim is nowhere in what is held."""
    return not claim.numbers <= held.numbers or not claim.names <= held.names | held.words


def _other_amount(claim: _Claim, held: _Claim) -> bool:
    """Whether a figure of the claim counts something else in what is held: 24 months, 24 hours."""
    counted = {figure for figure, _ in held.amounts}
    return any(pair[0] in counted and pair not in held.amounts for pair in claim.amounts)


def _verdicts(
    span: Span, near: list[_Window], scores: list[float], written: set[int]
) -> list[Attribution]:
    """The best passage, and a second one that carries the sentence as well."""
    best: dict[int, Attribution] = {}
    order: dict[int, float] = {}
    for window, score in zip(near, scores, strict=True):
        marker = window.source.marker
        if marker not in best or score > best[marker].support:
            best[marker] = Attribution(
                *span, verdict_of(score), round(score, 4), marker, window.span
            )
            order[marker] = score + (TIE_BREAK if marker in written else 0.0)
    ranked = sorted(best.values(), key=lambda a: -order[a.marker or 0])
    if not ranked or ranked[0].verdict == "unsupported":
        support = ranked[0].support if ranked else 0.0
        return [Attribution(*span, "unsupported", support)]
    first, *others = ranked
    second = [
        other
        for other in others[:1]
        if other.verdict == "supported" and first.support - other.support <= SECOND_WITHIN
    ]
    return [first, *second]


def verdict_of(score: float) -> Verdict:
    """The word for a support score."""
    if score >= SUPPORTED_FROM:
        return "supported"
    return "weak" if score >= WEAK_FROM else "unsupported"
