"""The sentences of the documents that best answer a question, word for word.

One is the key passage beside every answer; an expert of quotes alone answers with several. Exact
even where the model is weak: chosen by the encoder and by the question's own words, without the
model. Pure functions; knows no database.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chat.attribution import Encode, Likeness, Source
from chat.claims import coverage
from chat.sentences import Span, split_sentences
from chat.words import content_words

# Share of the question's words in the score; the rest is the encoder's likeness.
WORDS_SHARE = 0.3
# What the words of a follow-up itself add, beside those that it took over.
NEW_SHARE = 0.2
# What each place further down in the ranking of passages costs.
PER_RANK = 0.05
# Shorter ones are headings, or answers to nothing in particular.
FEWEST_WORDS = 3
# How far behind the best sentence another may score to be quoted, too.
WITHIN = 0.15
# Share of common words from which on a sentence says nothing new beside another.
SAME_FROM = 0.7
# A sentence that begins so says little without the one before it.
LEANING = re.compile(
    r"\W*(?:it|its|they|them|their|these|those|this|that|he|she|such|however|but|otherwise|then"
    r"|in (?:this|that|such an?) case)\b",
    re.IGNORECASE,
)
# Lines of a list that a sentence ending in a colon brings along.
LONGEST_LIST = 8


@dataclass(frozen=True)
class Quote:
    """A sentence of the passage with that marker, or several that stand together."""

    marker: int
    span: Span


@dataclass(frozen=True)
class _Candidate:
    """A sentence with those that it can't be understood without, by their places."""

    source: Source
    spans: tuple[Span, ...]
    place: int
    company: tuple[int, ...]

    @property
    def own(self) -> str:
        """The sentence; one that opens a list, with the list."""
        last = max(self.place, self.company[-1])
        return self.source.text[self.spans[self.place].start : self.spans[last].end]

    @property
    def is_list(self) -> bool:
        return self.company[-1] > self.place


@dataclass(frozen=True)
class Ranked:
    """A sentence of a passage and what speaks for it: its place in the order, and why."""

    sentence: _Candidate
    score: float
    # The likeness to the question, and the share of the question's words that it says.
    cosine: float
    held: float

    @property
    def marker(self) -> int:
        """That of its passage."""
        return self.sentence.source.marker


def rank_sentences(
    question: str,
    sources: Sequence[Source],
    *,
    encode: Encode,
    own: str = "",
    likeness: Likeness = float,
) -> list[Ranked]:
    """Every sentence of these passages, given best first, that says enough: the best one first.

    `own` is a follow-up as it was asked, where `question` is what was made of it; `likeness` says
    what a cosine of the encoder is in the packaged encoder's terms.
    """
    found = [
        (rank, each)
        for rank, source in enumerate(sources)
        for each in _candidates(source)
        if len(content_words(each.own)) >= FEWEST_WORDS
    ]
    if not found:
        return []
    # A sentence alone may not say what it is about; its title and headings do.
    texts = [f"{each.source.context}. {each.own}" for _, each in found]
    vectors = encode([question, *texts])
    asked, new = frozenset(content_words(question)), frozenset(content_words(own))
    ranked = []
    for index, (rank, each) in enumerate(found):
        held = coverage(asked, frozenset(content_words(texts[index])))
        cosine = likeness(float(vectors[index + 1] @ vectors[0]))
        said = coverage(new, frozenset(content_words(each.own))) if new else 0.0
        words = WORDS_SHARE * held + NEW_SHARE * said
        score = words + (1 - WORDS_SHARE) * cosine - PER_RANK * rank
        ranked.append(Ranked(each, score, cosine, held))
    return sorted(ranked, key=lambda each: -each.score)


def choose_quote(ranked: Sequence[Ranked]) -> Quote | None:
    """The key passage: the best sentence; None when there is none."""
    best = next((each.sentence for each in ranked if not each.sentence.is_list), None)
    return Quote(best.source.marker, best.spans[best.place]) if best else None


def choose_quotes(ranked: Sequence[Ranked], *, most: int) -> list[Quote]:
    """The best sentences, each with what it can't be understood without; best passage first.

    Further ones stand close to the best and say something new. Quotes never overlap; those of one
    passage come in its order.
    """
    chosen: list[_Candidate] = []
    for each in ranked:
        is_close = each.score >= ranked[0].score - WITHIN
        is_new = not any(_says_same(each.sentence, one) for one in chosen)
        if len(chosen) < most and is_close and is_new:
            chosen.append(each.sentence)
    order = list(dict.fromkeys(each.source.marker for each in chosen))
    return [
        quote
        for marker in order
        for quote in _joined([each for each in chosen if each.source.marker == marker])
    ]


def _candidates(source: Source) -> Iterator[_Candidate]:
    spans = tuple(split_sentences(source.text))
    for place in range(len(spans)):
        yield _Candidate(source, spans, place, tuple(_company(source.text, spans, place)))


def _says_same(one: _Candidate, other: _Candidate) -> bool:
    words, others = set(content_words(one.own)), set(content_words(other.own))
    return len(words & others) >= SAME_FROM * min(len(words), len(others))


def _joined(chosen: Sequence[_Candidate]) -> Iterator[Quote]:
    """The chosen sentences of one passage in its order; neighbours become one quote."""
    source, spans = chosen[0].source, chosen[0].spans
    places = sorted({place for each in chosen for place in each.company})
    start = places[0]
    for place, following in zip(places, [*places[1:], None], strict=True):
        is_gap = following != place + 1
        if is_gap or _is_apart(source.text, spans[place], spans[place + 1]):
            yield Quote(source.marker, Span(spans[start].start, spans[place].end))
            start = following if following is not None else start


def _is_apart(text: str, one: Span, other: Span) -> bool:
    """Whether two neighbours stand in different paragraphs, lines or rows."""
    return "\n" in text[one.end : other.start]


def _company(text: str, spans: Sequence[Span], place: int) -> Sequence[int]:
    """The sentence's place with those it leans on: the one before it, or the list that it opens."""
    words = text[spans[place].start : spans[place].end]
    if place and LEANING.match(words) and not _is_apart(text, spans[place - 1], spans[place]):
        return (place - 1, place)
    if words.rstrip("*_ ").endswith(":"):
        return range(place, min(place + 1 + LONGEST_LIST, _end_of_list(text, spans, place)))
    return (place,)


def _end_of_list(text: str, spans: Sequence[Span], place: int) -> int:
    """The place after the last line of the list that follows; a blank line ends it."""
    following = place + 1
    while following < len(spans):
        if text.count("\n", spans[following - 1].end, spans[following].start) > 1:
            break
        following += 1
    return following
