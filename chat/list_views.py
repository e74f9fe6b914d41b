"""The list of conversations and the acts that keep it in order.

Plain forms throughout: each act leads back to the page it came from.
"""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from chat import conversations, organising
from chat.errors import QuestionRefused
from chat.finding import find
from chat.guard import asker_view
from chat.listing import labels_of, list_conversations

# What a person deleted last, until a page has offered to take it back.
UNDO = "undo_conversation"


@require_safe
@asker_view
def list_page(request: HttpRequest) -> HttpResponse:
    """The list alone: another page, a label, the archive, or what a search found."""
    part = "chat/_list_page.html" if request.GET.get("before") else "chat/_list.html"
    return render(request, part, list_context(request))


def list_context(request: HttpRequest) -> dict[str, Any]:
    """What the list shows; the page of a conversation has it, too."""
    asked = {name: request.GET.get(name, "") for name in ("label", "before", "heading", "open")}
    words, archived = request.GET.get("q", "").strip()[:200], bool(request.GET.get("archived"))
    page = None
    if not words:
        page = list_conversations(
            request.user,
            label=asked["label"],
            archived=archived,
            before=asked["before"],
            heading=asked["heading"],
        )
    return {
        "words": words,
        "hits": find(request.user, words) if words else [],
        "listing": page,
        "labels": [] if asked["before"] else labels_of(request.user),
        "open_id": asked["open"],
        "label": asked["label"],
        "archived": archived,
    }


def undo_of(request: HttpRequest) -> dict[str, str] | None:
    """What was deleted a moment ago; offered once."""
    found: dict[str, str] | None = request.session.pop(UNDO, None)
    return found


@require_POST
@asker_view
def rename(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Another title."""
    try:
        title = request.POST.get("title", "")
        return redirect(conversations.rename(request.user, conversation_id, title))
    except QuestionRefused as error:
        messages.error(request, f"{error.message} The old one is kept.")
        return redirect("chat:conversation", conversation_id)


@require_POST
@asker_view
def delete(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Takes a conversation from the list; the next page offers to take it back."""
    deleted = organising.delete_conversation(request.user, conversation_id)
    request.session[UNDO] = {"id": str(deleted.pk), "title": deleted.title}
    return _back(request, conversation_id)


@require_POST
@asker_view
def restore(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Takes a deletion back."""
    return redirect(organising.restore_conversation(request.user, conversation_id))


@require_POST
@asker_view
def pin(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """To the top of the list, or back into its day."""
    is_pinned = request.POST.get("pinned") != "no"
    organising.pin(request.user, conversation_id, is_pinned=is_pinned)
    return redirect("chat:conversation", conversation_id)


@require_POST
@asker_view
def archive(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Out of the list, or back into it."""
    is_archived = request.POST.get("archived") != "no"
    organising.archive(request.user, conversation_id, is_archived=is_archived)
    return redirect("chat:conversation", conversation_id)


@require_POST
@asker_view
def label(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """These labels in place of the ones it had."""
    try:
        organising.label(request.user, conversation_id, request.POST.get("labels", ""))
    except QuestionRefused as error:
        messages.error(request, f"{error.message} The old ones are kept.")
    return redirect("chat:conversation", conversation_id)


def _back(request: HttpRequest, gone: UUID) -> HttpResponse:
    """To the conversation that was open, unless it is the one that has gone."""
    opened = request.POST.get("open", "")
    try:
        if opened and UUID(opened) != gone:
            return redirect("chat:conversation", UUID(opened))
    except ValueError:
        pass
    return redirect("chat:home")
