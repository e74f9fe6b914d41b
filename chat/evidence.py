"""Questions and answers with what they rest on, for whoever reads them now: exports and shares.

The reader's rights are asked anew for every passage. Of an answer that rests on passages which the
reader may not open, only those sentences are told that rest on others; all else could give away
what those passages say.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.safestring import SafeString

from chat.adapter_rights import may_be_answered_with
from chat.models import Answer, Passage
from chat.reading import withhold
from chat.rendering import Chip, MarkedSentence
from chat.verbatim import text_html


@dataclass(frozen=True)
class Sentence:
    """A sentence of an answer with our verdict and the passages that carry it."""

    start: int
    end: int
    text: str
    verdict: str
    support: float
    # Marker of the passage -> the words in it that match best.
    quotes: dict[int, str]


@dataclass(frozen=True)
class Exchange:
    """A question and one answer to it, as the reader may see them."""

    number: int
    answer: Answer
    expert: str
    sentences: list[Sentence]
    sources: list[Passage]
    # Markers of sources that the reader may not open.
    withheld: frozenset[int]
    # The answer was given with an adapter that learned from what the reader may not read.
    is_closed: bool

    @property
    def is_partial(self) -> bool:
        """Whether some of the answer is kept from the reader."""
        return (self.is_closed or bool(self.withheld)) and bool(self.answer.text)

    @property
    def anchor(self) -> str:
        """What the sources' anchors begin with."""
        return f"source-{self.number}-"

    @property
    def html(self) -> SafeString:
        """The answer's text with its sentences marked; chips lead to the sources below."""
        if self.is_partial:
            return SafeString("".join(self._alone(each) for each in self.sentences))
        marked = [self._marked(each, each.start, each.end) for each in self.sentences]
        return text_html(self.answer.text, marked, is_quoted=self.answer.is_quoted)

    def _alone(self, sentence: Sentence) -> SafeString:
        marked = [self._marked(sentence, 0, len(sentence.text))]
        return text_html(sentence.text, marked, is_quoted=self.answer.is_quoted)

    def _marked(self, sentence: Sentence, start: int, end: int) -> MarkedSentence:
        chips = tuple(Chip(marker, f"#{self.anchor}{marker}") for marker in sentence.quotes)
        return MarkedSentence(start, end, sentence.verdict, chips)


def exchanges(answer_ids: Sequence[UUID], user: Any) -> list[Exchange]:
    """The answers in this order, as this person may see them."""
    related = ("question", "expert_version__expert", "expert_version__adapter", "receipt")
    rows = Answer.objects.select_related(*related).prefetch_related("passages", "citations")
    found = rows.in_bulk(answer_ids)
    answers = [found[key] for key in answer_ids if key in found]
    closed = withhold([passage for one in answers for passage in one.passages.all()], user)
    closed_ids = {passage.pk for passage in closed}
    return [_exchange(number, one, closed_ids, user) for number, one in enumerate(answers, 1)]


def _exchange(number: int, answer: Answer, closed_ids: set[UUID], user: Any) -> Exchange:
    version = answer.expert_version
    sources = [each for each in answer.passages.all() if each.is_used or answer.is_abstention]
    withheld = frozenset(each.marker for each in sources if each.pk in closed_ids)
    sentences = _sentences(answer, {each.pk: each for each in sources})
    if withheld:
        sentences = [
            each for each in sentences if each.quotes and not withheld & each.quotes.keys()
        ]
    is_closed = not may_be_answered_with(version.adapter, user)
    if is_closed:
        sentences = []
    expert = f"{version.expert.name}, version {version.number}"
    return Exchange(number, answer, expert, sentences, sources, withheld, is_closed)


def _sentences(answer: Answer, sources: dict[UUID, Passage]) -> list[Sentence]:
    """One per span, with all the passages that are cited for it."""
    spans: dict[tuple[int, int], Sentence] = {}
    for one in sorted(answer.citations.all(), key=lambda each: (each.start, -each.support)):
        span = (one.start, one.end)
        text = answer.text[one.start : one.end]
        sentence = spans.setdefault(span, Sentence(*span, text, one.verdict, one.support, {}))
        passage = sources.get(one.passage_id) if one.passage_id else None
        if passage is not None:
            sentence.quotes[passage.marker] = passage.text[one.passage_start : one.passage_end]
    return list(spans.values())
