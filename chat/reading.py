"""What an asker sees of answers: their HTML, their sources, a passage in its document.

A source that the reader may no longer open keeps its name and loses its words.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.context_processors import PermWrapper
from django.db.models import prefetch_related_objects
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from chat.branches import Place, Tree, place_of
from chat.conflicts import Conflict, find_conflicts
from chat.errors import NotFound
from chat.models import Answer, Citation, Conversation, Passage, Question
from chat.rendering import Chip, MarkedSentence
from chat.sentences import Span
from chat.suggesting import suggest
from chat.verbatim import text_html
from knowledge.models import DocumentVersion
from knowledge.neighbours import parts_of

PAGED_MEDIA = "application/pdf"


@dataclass(frozen=True)
class ShownAnswer:
    """An answer as its template wants it."""

    answer: Answer
    html: SafeString
    # Those in the prompt; on an abstention the nearest ones, none of which was.
    passages: list[Passage]
    # Among the answers to the same question.
    place: Place
    # What could be asked next; under the last answer only.
    suggestions: Sequence[str] = ()
    # Documents that give other figures for what it says.
    conflicts: Sequence[Conflict] = ()


@dataclass(frozen=True)
class Turn:
    """A question of the shown branch with the answer that is shown of it."""

    question: Question
    # Among the versions of the question.
    place: Place
    shown: ShownAnswer


@dataclass(frozen=True)
class ShownPassage:
    """A passage around its best matching words.

    `is_withheld` when the reader has lost the right to it, `is_gone` when its document is removed.
    """

    passage: Passage
    before: str
    quote: str
    after: str
    document_url: str
    has_pages: bool
    is_withheld: bool = False
    is_gone: bool = False


def show_conversation(conversation: Conversation, user: Any) -> list[Turn]:
    """The turns of the shown branch, in a fixed number of queries."""
    steps = Tree(conversation).branch()
    questions = conversation.questions.in_bulk([step.question for step in steps])
    related = ("passages", "citations__passage", "feedback")
    answers = Answer.objects.prefetch_related(*related).in_bulk([step.answer for step in steps])
    withhold([each for answer in answers.values() for each in answer.passages.all()], user)
    return [
        Turn(
            questions[step.question],
            step.question_place,
            _shown(answers[step.answer], step.answer_place, is_last=step is steps[-1]),
        )
        for step in steps
    ]


def show_answer(answer: Answer, user: Any) -> ShownAnswer:
    """One answer for its asker."""
    # Read once, so that what is withheld is withheld from the suggestions, too.
    prefetch_related_objects([answer], "passages", "citations__passage")
    withhold(list(answer.passages.all()), user)
    return _shown(answer, place_of(answer), is_last=True)


def answer_html(shown: ShownAnswer, user: Any) -> str:
    """The whole answer as a partial for its asker, who alone can follow it over the socket."""
    return render_to_string("chat/_answer.html", {**vars(shown), "perms": PermWrapper(user)})


def passages_html(passages: Sequence[Passage]) -> str:
    """The list of sources as a partial."""
    return render_to_string("chat/_passages.html", {"passages": passages})


def key_html(passages: Sequence[Passage]) -> str:
    """The key passage as a partial, empty where none of these holds it."""
    return render_to_string("chat/_key_passage.html", {"passages": passages}).strip()


def mark_sentences(
    citations: Iterable[Citation], outdated: frozenset[UUID] = frozenset()
) -> list[MarkedSentence]:
    """The sentences of an answer with their verdicts and chips, in order."""
    ordered = sorted(citations, key=lambda citation: (citation.start, -citation.support))
    return [
        MarkedSentence(start, end, *_verdict(list(same), outdated))
        for (start, end), same in groupby(ordered, key=lambda c: (c.start, c.end))
    ]


def show_passage(passage_id: UUID, user: Any) -> ShownPassage:
    """A passage of one's own answer; raises NotFound. Without the right to it, without words."""
    mine = Passage.objects.filter(answer__in=Answer.objects.visible_to(user))
    passage = mine.filter(pk=passage_id).first()
    if passage is None:
        raise NotFound("There is no such passage.")
    if withhold([passage], user):
        return ShownPassage(passage, "", "", "", "", has_pages=False, is_withheld=True)
    is_gone = not DocumentVersion.objects.visible_to(user).filter(pk=passage.version_id).exists()
    best = passage.citations.exclude(passage_start=None).order_by("-support").first()
    start, end = (best.passage_start or 0, best.passage_end or 0) if best else (0, 0)
    return ShownPassage(
        passage,
        before=passage.text[:start],
        quote=passage.text[start:end],
        after=passage.text[end:],
        document_url="" if is_gone else _document_url(passage),
        has_pages=passage.media_type == PAGED_MEDIA and not is_gone,
        is_gone=is_gone,
    )


def _document_url(passage: Passage) -> str:
    """The passage in its document: lit up at its page, or in the rows that a result rests on."""
    url = reverse("knowledge:version", args=[passage.version_id])
    if passage.computation:
        numbers = ",".join(map(str, passage.computation["numbers"]))
        first = f"#row-{passage.row_from}" if passage.row_from else ""
        return f"{url}?table={passage.computation['table']}&rows={numbers}{first}"
    anchor = f"#page-{passage.page}" if passage.page else ""
    chunks = [("chunk", str(key)) for key in parts_of(passage.chunk_id, passage.text)]
    return f"{url}?{urlencode(chunks)}{anchor}"


def withhold(passages: Sequence[Passage], user: Any) -> list[Passage]:
    """Takes the words from passages whose document the person may no longer read; returns them.

    The words of a document that was removed stay with those who might read it. What is replaced or
    expired is marked as outdated.
    """
    wanted = {passage.version_id for passage in passages}
    readable = DocumentVersion.objects.citable_by(user).filter(pk__in=wanted)
    open_ids = set(readable.values_list("pk", flat=True)) if wanted else set()
    closed = [passage for passage in passages if passage.version_id not in open_ids]
    for passage in closed:
        passage.text, passage.headings, passage.boxes = "", [], []
        passage.computation = None
    _mark_outdated([passage for passage in passages if passage.version_id in open_ids], user)
    return closed


def _mark_outdated(passages: Sequence[Passage], user: Any) -> None:
    """Notes which of them would not answer any more today."""
    if not passages:
        return
    wanted = {passage.version_id for passage in passages}
    answering = DocumentVersion.objects.answering(user, on=timezone.localdate())
    in_force = set(answering.filter(pk__in=wanted).values_list("pk", flat=True))
    for passage in passages:
        passage.is_outdated = passage.version_id not in in_force


def _shown(answer: Answer, place: Place, *, is_last: bool) -> ShownAnswer:
    outdated = frozenset(each.pk for each in answer.passages.all() if each.is_outdated)
    marked = mark_sentences(answer.citations.all(), outdated)
    html = text_html(answer.text, marked, is_quoted=answer.is_quoted)
    passages = [p for p in answer.passages.all() if p.is_used or answer.is_abstention]
    suggestions = suggest(answer, passages) if is_last else []
    conflicts = find_conflicts(passages, _rested_on(answer, passages))
    return ShownAnswer(answer, html, passages, place, suggestions, conflicts)


def _rested_on(answer: Answer, passages: Sequence[Passage]) -> Iterator[tuple[int, Span]]:
    """Where an answer's sentences and its key passage stand in its sources."""
    if not answer.is_finished or answer.is_abstention:
        return
    for citation in answer.citations.all():
        if citation.passage is not None and citation.passage_end is not None:
            span = Span(citation.passage_start or 0, citation.passage_end)
            yield citation.passage.marker, span
    for passage in passages:
        if passage.key_end is not None:
            yield passage.marker, Span(passage.key_start or 0, passage.key_end)


def _verdict(citations: list[Citation], outdated: frozenset[UUID]) -> tuple[str, tuple[Chip, ...]]:
    chips = tuple(
        Chip(passage.marker, reverse("chat:passage", args=[passage.pk]), passage.pk in outdated)
        for citation in citations
        if (passage := citation.passage) is not None
    )
    return citations[0].verdict, chips
