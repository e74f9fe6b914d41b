"""Files of a conversation: added and removed by plain forms, shown above the question's field."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from chat import attachments as files
from chat.attachments import attach, attachments_of, detach
from chat.conversations import find_conversation
from chat.errors import QuestionRefused
from chat.guard import asker_view
from chat.models import Conversation
from knowledge.errors import KnowledgeError


@require_POST
@asker_view
def add_first(request: HttpRequest) -> HttpResponse:
    """Files for a conversation that begins with them."""
    return _add(request, None)


@require_POST
@asker_view
def add(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Files for a conversation; those that are refused are named."""
    find_conversation(request.user, conversation_id)
    return _add(request, conversation_id)


@require_safe
@asker_view
def attachments(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """The files alone, asked for while one is being read."""
    conversation = find_conversation(request.user, conversation_id)
    context = {"conversation": conversation, **attachments_context(conversation)}
    return render(request, "chat/_attachments.html", context)


def attachments_context(conversation: Conversation) -> dict[str, Any]:
    """What the list of files shows; asked for again while one is being read."""
    found = attachments_of(conversation) if conversation.files_id else []
    return {
        "attachments": found,
        "is_reading": any(not each.is_settled for each in found),
    }


@require_POST
@asker_view
def remove(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Removes one for good."""
    return redirect(detach(request.user, document_id))


def _add(request: HttpRequest, conversation_id: UUID | None) -> HttpResponse:
    for file in request.FILES.getlist("file")[: files.MOST]:
        try:
            conversation_id = attach(request.user, conversation_id, file).pk
        except (KnowledgeError, QuestionRefused) as error:
            messages.error(request, f"{file.name}: {error.message}")
    return (
        redirect("chat:conversation", conversation_id) if conversation_id else redirect("chat:home")
    )
