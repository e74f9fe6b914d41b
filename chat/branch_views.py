"""Acts that change which branch of a conversation is shown, and the thread that shows it.

A script gets the thread as a partial and takes over what has changed; a plain form gets its page.
"""

from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from chat import asking, conversations
from chat.branches import show_branch
from chat.guard import asker_view
from chat.models import Conversation
from chat.reading import show_conversation


@require_safe
@asker_view
def thread(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """The shown branch alone, for a page that was told of a change."""
    return _thread(request, conversations.find_conversation(request.user, conversation_id))


@require_POST
@asker_view
def show(request: HttpRequest, part_id: UUID) -> HttpResponse:
    """The newest branch through a question or an answer."""
    conversation = show_branch(request.user, part_id)
    if request.headers.get("HX-Request"):
        return _thread(request, conversation)
    question = conversation.questions.filter(Q(pk=part_id) | Q(answers=part_id)).first()
    return redirect(f"{conversation.get_absolute_url()}#question-{question and question.pk}")


@require_POST
@asker_view
def again(request: HttpRequest, answer_id: UUID) -> HttpResponse:
    """The same question once more."""
    return _shown(request, asking.regenerate(request.user, answer_id).question.conversation)


@require_POST
@asker_view
def go_on(request: HttpRequest, answer_id: UUID) -> HttpResponse:
    """A cut answer goes on where it ended."""
    return _shown(request, asking.go_on(request.user, answer_id).question.conversation)


def _shown(request: HttpRequest, conversation: Conversation) -> HttpResponse:
    if request.headers.get("HX-Request"):
        return _thread(request, conversation)
    return redirect(conversation)


def _thread(request: HttpRequest, conversation: Conversation) -> HttpResponse:
    context = {"turns": show_conversation(conversation, request.user)}
    return render(request, "chat/_thread.html", context)
