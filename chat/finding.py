"""Finds a person's own conversations by the words of their titles, questions and answers.

Full text in Postgres: all words of the search must stand in one text, the beginning of a word is
enough. Snippets come back as plain text with marks around what was found; whoever shows them
escapes them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.postgres.search import SearchHeadline, SearchQuery, SearchVector
from django.db.models import F, QuerySet
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from chat.models import Answer, Conversation, Question

MOST = 30
SNIPPETS = 2
WORDS = 12
# Around a found word in a snippet; private characters that no font shows and nobody types.
START, STOP = "\ue000", "\ue001"


@dataclass(frozen=True)
class Snippet:
    """A place in a conversation."""

    part: UUID
    is_answer: bool
    html: SafeString
    at: datetime


@dataclass
class Hit:
    """A conversation that was found, and where."""

    conversation: Conversation
    title: SafeString
    at: datetime
    snippets: list[Snippet] = field(default_factory=list)


def find(user: Any, words: str) -> list[Hit]:
    """The newest conversations of one's own with these words; archived ones, too."""
    query = _query(words)
    if query is None:
        return []
    mine = Conversation.objects.visible_to(user)
    hits: dict[UUID, Hit] = {}
    for conversation in _matching(mine, query, "title").order_by("-updated_at")[:MOST]:
        hits[conversation.pk] = _hit(conversation, conversation.updated_at)
    questions = _matching(Question.objects.filter(conversation__in=mine), query, "text")
    answers = _matching(Answer.objects.filter(question__conversation__in=mine), query, "text")
    _collect(hits, questions.select_related("conversation").order_by("-asked_at")[: MOST * 2])
    related = answers.select_related("question__conversation").order_by("-created_at")
    _collect(hits, related[: MOST * 2])
    return sorted(hits.values(), key=lambda hit: hit.at, reverse=True)[:MOST]


def marked(snippet: str) -> SafeString:
    """Safe HTML of a snippet."""
    html = escape(snippet).replace(START, "<mark>").replace(STOP, "</mark>")
    return mark_safe(html)


def _query(words: str) -> SearchQuery | None:
    """Every word, as a beginning; quoted, so that Postgres reads them as it reads the texts."""
    plain = "".join(sign if sign.isprintable() and sign not in "'\\" else " " for sign in words)
    terms = [term for term in plain.split() if any(map(str.isalnum, term))][:WORDS]
    if not terms:
        return None
    return SearchQuery(
        " & ".join(f"'{term}':*" for term in terms), search_type="raw", config="simple"
    )


def _matching(rows: QuerySet[Any], query: SearchQuery, name: str) -> QuerySet[Any]:
    headline = SearchHeadline(
        F(name),
        query,
        config="simple",
        start_sel=START,
        stop_sel=STOP,
        min_words=8,
        max_words=20,
        highlight_all=name == "title",
    )
    found = rows.alias(words=SearchVector(name, config="simple")).filter(words=query)
    shown: QuerySet[Any] = found.annotate(headline=headline)
    return shown


def _collect(hits: dict[UUID, Hit], rows: Iterable[Any]) -> None:
    for row in rows:
        is_answer = isinstance(row, Answer)
        at = row.created_at if is_answer else row.asked_at
        conversation = row.question.conversation if is_answer else row.conversation
        hit = hits.setdefault(conversation.pk, _plain_hit(conversation, at))
        if len(hit.snippets) < SNIPPETS:
            hit.snippets.append(Snippet(row.pk, is_answer, marked(row.headline), at))


def _hit(conversation: Any, at: datetime) -> Hit:
    return Hit(conversation, marked(conversation.headline), at)


def _plain_hit(conversation: Conversation, at: datetime) -> Hit:
    return Hit(conversation, marked(conversation.title), at)
