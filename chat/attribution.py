"""Which sentence of an answer rests on which passage, and how well. Ours, not the model's.

Small models cite badly: markers that the model wrote only break ties. A sentence is compared with
the sentences of each passage by the encoder and by its content words; figures, dates, names and
denials must be in the passage too, however alike the rest is. Knows no database; thresholds are
never lowered to make something stick.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal

from chat.claims import Claim, claim_of, coverage, is_spelled
from chat.figures import is_misplaced
from chat.manners import says_nothing
from chat.polarity import Drift, drift_of
from chat.sentences import Span, split_sentences
from chat.statements import Statement, read_statements

Verdict = Literal["supported", "weak", "unsupported"]
# Rows of vectors of unit length, one per text.
Encode = Callable[[list[str]], Any]
Likeness = Callable[[float], float]

# Chosen on SciFact's training claims (benchmarks/attribution.py), reported on its test claims.
SUPPORTED_FROM, WEAK_FROM = 0.66, 0.42
# What is left of a score that a missing or denied fact caps, so that the order stays.
CAPPED_HARD, CAPPED_SOFT = 0.65, 0.85
# Passage windows that are compared by the encoder, per sentence.
COMPARED = 6
# A sentence of fewer content words means something only together with its question.
TERSE = 4
# Cosines of the packaged encoder: unrelated sentences lie about the first, paraphrases the second.
COSINE_LOW, COSINE_HIGH = 0.15, 0.75
WRITTEN = re.compile(r"[\[【]\s*(\d{1,3})\s*[\]】]")
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
class _Window:
    """One or two neighbouring sentences of a passage, or one row."""

    source: Source
    statements: tuple[Statement, ...]
    claim: Claim
    context: Claim
    whole: Claim

    @cached_property
    def drift(self) -> Drift:
        """Which way it goes; read only of those that are compared."""
        return drift_of(self.text)

    @property
    def is_row(self) -> bool:
        """Rows hold many columns, and say what they say by their places."""
        return self.statements[0].row is not None

    @property
    def span(self) -> Span:
        return Span(self.statements[0].span.start, self.statements[-1].span.end)

    @property
    def text(self) -> str:
        return " ".join(statement.text for statement in self.statements)


@dataclass(frozen=True)
class _Said:
    """A sentence of the answer; a terse one is spoken with its question, and `about` it."""

    spoken: str
    claim: Claim
    about: Claim | None
    drift: Drift


def attribute(
    text: str,
    sources: Sequence[Source],
    *,
    encode: Encode,
    question: str = "",
    likeness: Likeness = float,
) -> list[Attribution]:
    """Every sentence that claims something, in order; one resting on two passages comes twice.

    `likeness` says what a cosine of the encoder is in the packaged encoder's terms.
    """
    windows = [window for source in sources for window in _windows(source)]
    stated = [window.statements[0] for window in windows if len(window.statements) == 1]
    asked = claim_of(question)
    found: list[Attribution] = []
    for span in split_sentences(text):
        words = text[span.start : span.end]
        claim = claim_of(WRITTEN.sub("", words))
        if not claim.words or words.rstrip("*_ ").endswith(":") or says_nothing(words):
            continue
        about = asked if len(claim.words) < TERSE else None
        near = _nearest(claim, about, windows)
        spoken = f"{question} {words}" if about else words
        said = _Said(spoken, claim, about, drift_of(WRITTEN.sub("", words)))
        scores = _scores(said, near, stated, encode, likeness)
        written = {int(number) for number in WRITTEN.findall(words)}
        found += _verdicts(span, near, scores, written)
    return found


def _windows(source: Source) -> list[_Window]:
    stated = read_statements(source.text)
    # Never two rows: one's name would stand beside the other's figure.
    pairs = [pair for pair in pairwise(stated) if not (pair[0].row or pair[1].row)]
    context, whole = claim_of(source.context), claim_of(source.text)
    return [
        _Window(source, held, claim_of(" ".join(each.text for each in held)), context, whole)
        for held in [*((each,) for each in stated), *pairs]
    ]


def _nearest(claim: Claim, about: Claim | None, windows: list[_Window]) -> list[_Window]:
    """The windows that share most words with the sentence; for a terse one, with its question."""

    def rank(window: _Window) -> float:
        own = coverage(claim.words, window.claim.words | window.context.words)
        return own + (0.5 * coverage(about.words, window.claim.words) if about else 0.0)

    sharing = [window for window in windows if claim.words & window.claim.words]
    return sorted(sharing, key=rank, reverse=True)[:COMPARED]


def _scores(
    said: _Said,
    near: list[_Window],
    stated: list[Statement],
    encode: Encode,
    likeness: Likeness,
) -> list[float]:
    if not near:
        return []
    vectors = encode([said.spoken, *(window.text for window in near)])
    cosines = (vectors[1:] @ vectors[0]).tolist()
    return [
        _support(said, window, stated, likeness(float(cosine)))
        for window, cosine in zip(near, cosines, strict=True)
    ]


def _support(said: _Said, window: _Window, stated: list[Statement], cosine: float) -> float:
    """0..1: likeness of words and meaning, capped where a fact is missing or denied."""
    around = window.claim | window.context
    lexical = coverage(said.claim.words, around.words)
    alike = min(1.0, max(0.0, (cosine - COSINE_LOW) / (COSINE_HIGH - COSINE_LOW)))
    score = 0.5 * lexical + 0.5 * alike
    if _is_refused(said, window):
        return min(score * CAPPED_HARD, WEAK_FROM - 0.01)
    if _is_doubtful(said, window, stated, around):
        return min(score * CAPPED_SOFT, SUPPORTED_FROM - 0.01)
    return score


def _is_refused(said: _Said, window: _Window) -> bool:
    """Whether the passage denies the sentence, or lacks a figure or a name of it altogether."""
    denies = said.drift.negates if window.is_row else said.drift.denies
    return denies(window.drift) or _missing(said.claim, window.whole | window.context)


def _is_doubtful(said: _Said, window: _Window, stated: list[Statement], around: Claim) -> bool:
    """Whether a fact of the sentence stands elsewhere, counts something else, or goes further."""
    claim, about = said.claim, said.about
    if about and not about.names <= window.whole.names | window.whole.words | around.words:
        return True
    if not window.is_row and said.drift.outruns(window.drift):
        return True
    return (
        _missing(claim, around)
        or _other_amount(claim, window.claim)
        or is_misplaced(claim, about, window.statements, stated, context=window.context)
    )


def _missing(claim: Claim, held: Claim) -> bool:
    """Whether a figure or a name of the claim is nowhere in what is held."""
    known = held.names | held.words
    return not claim.numbers <= held.numbers or any(
        not is_spelled(name, known) for name in claim.names
    )


def _other_amount(claim: Claim, held: Claim) -> bool:
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
