"""A conversation as a file, with its evidence: Markdown, HTML or JSON.

Holds the branch that is shown. Text of models and documents is untrusted here, too: nothing in it
becomes a link, an image or markup in any of the forms, and the HTML asks nobody for anything.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.text import slugify

from chat.branches import Tree
from chat.evidence import Exchange, Sentence, exchanges
from chat.models import Conversation, Passage
from chat.rendering import WRITTEN_MARKER
from phi3site.audit.recording import record

Form = Literal["md", "html", "json"]
FORMS = get_args(Form)
FORMAT = 1
MEDIA = {"md": "text/markdown", "html": "text/html", "json": "application/json"}
# What could begin a link, an image, a footnote or a tag in some dialect of Markdown, or undo the
# backslash that is set before it; bare addresses are links in some, too.
MARKUP = re.compile(r"[\\\[\]<@]|(?<=\w):(?=//)|(?<=\bwww)\.", re.IGNORECASE)


@dataclass(frozen=True)
class Exported:
    """A file to be sent."""

    name: str
    media_type: str
    content: str


@transaction.atomic
def export(user: Any, conversation: Conversation, form: Form) -> Exported:
    """The shown branch as a file; the act is in the log, because words leave the house by it."""
    told = exchanges([step.answer for step in Tree(conversation).branch()], user)
    content = _WRITERS[form](conversation, told)
    record("conversation.exported", actor=user, target=conversation, details={"form": form})
    name = slugify(conversation.title)[:60] or "conversation"
    return Exported(f"{name}.{form}", f"{MEDIA[form]}; charset=utf-8", content)


def as_json(conversation: Conversation, told: list[Exchange]) -> str:
    """Everything as data."""
    content = {
        "format": FORMAT,
        "title": conversation.title,
        "conversation": str(conversation.pk),
        "exported_at": timezone.now().isoformat(),
        "exchanges": [_exchange(each) for each in told],
    }
    return json.dumps(content, ensure_ascii=False, indent=2)


def as_html(conversation: Conversation, told: list[Exchange]) -> str:
    """One page that needs nothing else."""
    context = {"title": conversation.title, "told": told, "now": timezone.now()}
    return render_to_string("chat/export.html", context)


def as_markdown(conversation: Conversation, told: list[Exchange]) -> str:
    """Readable as it is."""
    parts = [f"# {_plain(conversation.title)}", *(part for each in told for part in _told(each))]
    return "\n\n".join(parts) + "\n"


def _exchange(each: Exchange) -> dict[str, Any]:
    answer = each.answer
    receipt = getattr(answer, "receipt", None)
    return {
        "question": answer.question.text,
        "asked_at": answer.question.asked_at.isoformat(),
        "answer": {
            "id": str(answer.pk),
            "expert": each.expert,
            "status": answer.status,
            "is_abstention": answer.is_abstention,
            "is_partly_withheld": each.is_partial,
            "text": " ".join(s.text for s in each.sentences) if each.is_partial else answer.text,
            "finished_at": answer.finished_at and answer.finished_at.isoformat(),
            "receipt_sha256": receipt and receipt.sha256,
            "audit_event": receipt and receipt.audit_seq,
        },
        "sentences": [_sentence(sentence) for sentence in each.sentences],
        "sources": [_source(source, each) for source in each.sources],
    }


def _sentence(sentence: Sentence) -> dict[str, Any]:
    quotes = [{"source": marker, "quote": quote} for marker, quote in sentence.quotes.items()]
    return {
        "text": sentence.text,
        "verdict": sentence.verdict,
        "support": round(sentence.support, 3),
        "rests_on": quotes,
    }


def _source(source: Passage, each: Exchange) -> dict[str, Any]:
    is_withheld = source.marker in each.withheld
    return {
        "marker": source.marker,
        "document": source.document_title,
        "version": source.version_number,
        "page": source.page,
        "rows": [source.row_from, source.row_to] if source.row_from else None,
        "headings": source.headings,
        "is_available": not is_withheld,
        "text": None if is_withheld else source.text,
        "sha256": source.sha256,
        "file_sha256": source.file_sha256,
    }


def _told(each: Exchange) -> Iterator[str]:
    answer = each.answer
    yield f"## {_plain(' '.join(answer.question.text.split()))}"
    yield f"*{_plain(each.expert)}, {answer.created_at:%d %B %Y, %H:%M} UTC, {answer.status}*"
    if each.is_partial:
        yield "*Of this answer only what rests on sources that are available to you:*"
        yield "\n\n".join(_marked(s.text, [(len(s.text), s)]) for s in each.sentences)
    elif answer.text:
        yield _marked(answer.text, [(s.end, s) for s in each.sentences])
    if each.sources:
        yield "### Nearest passages, not used" if answer.is_abstention else "### Sources"
    for source in each.sources:
        yield f"{source.marker}. **{_plain(source.document_title)}**, {_where(source)}"
        words = source.text or "This source is no longer available to you."
        yield "\n".join(f"   > {_plain(line)}" for line in words.splitlines())


def _marked(text: str, ends: list[tuple[int, Sentence]]) -> str:
    """The text with our marks after its sentences, in place of those that the model wrote."""
    parts, position = [], 0
    for end, sentence in ends:
        marks = "".join(f"\\[{marker}\\]" for marker in sentence.quotes)
        parts += [_unmarked(text[position:end]), f" {marks or '(no source)'}"]
        position = end
    return "".join([*parts, _unmarked(text[position:])])


def _unmarked(text: str) -> str:
    return _plain(WRITTEN_MARKER.sub("", text))


def _plain(text: str) -> str:
    return MARKUP.sub(lambda found: f"\\{found[0]}", text)


def _where(source: Passage) -> str:
    place = f"p. {source.page}, " if source.page else ""
    if source.row_from:
        place = f"rows {source.row_from}–{source.row_to}, "
    headings = f" ({_plain(' › '.join(source.headings))})" if source.headings else ""
    return f"{place}version {source.version_number}{headings}"


_WRITERS: dict[Form, Callable[[Conversation, list[Exchange]], str]] = {
    "md": as_markdown,
    "html": as_html,
    "json": as_json,
}
