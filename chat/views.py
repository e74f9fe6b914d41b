"""The employee's pages: conversations, answers, passages; each form works without script too."""

from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from chat import asking, attachment_views, conversations, list_views
from chat.errors import QuestionRefused
from chat.forms import AskForm, FeedbackForm
from chat.guard import asker_view
from chat.models import Conversation, Expert
from chat.reading import answer_html, show_answer, show_conversation, show_passage


@require_safe
@asker_view
def home(request: HttpRequest) -> HttpResponse:
    """A new conversation."""
    return render(request, "chat/home.html", _frame(request, None))


@require_safe
@asker_view
def conversation(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """One's own conversation."""
    found = conversations.find_conversation(request.user, conversation_id)
    context = _frame(request, found)
    # Without script: `?edit=` puts an earlier question into the field.
    edited = [turn.question for turn in context["turns"] if str(turn.question.pk) == _edit(request)]
    for question in edited:
        context |= {"kept": question.text, "edits": question.pk}
    return render(request, "chat/conversation.html", context)


def _edit(request: HttpRequest) -> str:
    return str(request.GET.get("edit", ""))


@require_POST
@asker_view
def ask(request: HttpRequest) -> HttpResponse:
    """A question by plain form."""
    form = AskForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Write a question and choose an expert.")
        return redirect("chat:home")
    sent = form.cleaned_data
    try:
        answer = asking.ask(
            request.user,
            client_id=sent["client_id"] or uuid4(),
            question=sent["question"],
            expert_id=sent["expert"],
            conversation_id=sent["conversation"],
            edits=sent["edits"],
        )
    except QuestionRefused as error:
        messages.error(request, error.message)
        return _with_question_kept(request, sent)
    return redirect(answer.question.conversation)


def _with_question_kept(request: HttpRequest, sent: dict[str, Any]) -> HttpResponse:
    """The page that the question came from, the words still in their field."""
    known = sent["conversation"]
    found = conversations.find_conversation(request.user, known) if known else None
    context = {
        **_frame(request, found, wanted=str(sent["expert"])),
        "kept": sent["question"],
        "edits": sent["edits"],
    }
    return render(request, "chat/conversation.html", context, status=422)


@require_POST
@asker_view
def stop(request: HttpRequest, answer_id: UUID) -> HttpResponse:
    """Stops an answer; for browsers without a socket."""
    return redirect(asking.request_stop(request.user, answer_id).question.conversation)


@require_POST
@asker_view
def feedback(request: HttpRequest, answer_id: UUID) -> HttpResponse:
    """Stores a thumb; htmx gets the thumbs back, a plain form its page."""
    form = FeedbackForm(request.POST)
    form.full_clean()
    said = {name: form.cleaned_data.get(name, "") for name in form.fields}
    conversations.give_feedback(request.user, answer_id, **said)
    rated = conversations.find_answer(request.user, answer_id)
    if not request.headers.get("HX-Request"):
        return redirect(rated.question.conversation)
    context = {"answer": rated, "feedback": rated.feedback}
    return render(request, "chat/_feedback.html", context)


@require_safe
@asker_view
def answer(request: HttpRequest, answer_id: UUID) -> HttpResponse:
    """The partial of one answer, as the socket's last event brings it."""
    found = conversations.find_answer(request.user, answer_id)
    return HttpResponse(answer_html(show_answer(found, request.user), request.user))


@require_safe
@asker_view
def passage(request: HttpRequest, passage_id: UUID) -> HttpResponse:
    """A passage in its document: a partial for the source panel, or a page of its own."""
    shown = show_passage(passage_id, request.user)
    partial = request.headers.get("HX-Request") or request.GET.get("partial")
    template = "chat/_passage.html" if partial else "chat/passage.html"
    return render(request, template, vars(shown))


def _frame(
    request: HttpRequest, conversation: Conversation | None, *, wanted: str = ""
) -> dict[str, Any]:
    visible = Expert.objects.visible_to(request.user).filter(live_version__isnull=False)
    experts = list(visible.select_related("live_version"))
    if conversation is not None and conversation.trial is not None:
        experts = [conversation.trial.expert]
    return {
        "conversation": conversation,
        "turns": show_conversation(conversation, request.user) if conversation else [],
        **list_views.list_context(request),
        **(attachment_views.attachments_context(conversation) if conversation else {}),
        "open_id": str(conversation.pk) if conversation else "",
        "undo": list_views.undo_of(request),
        "experts": experts,
        "expert": _preselected(conversation, experts, wanted or request.GET.get("expert", "")),
        "max_question_chars": settings.CHAT_MAX_QUESTION_CHARS,
    }


def _preselected(
    conversation: Conversation | None, experts: list[Expert], wanted: str
) -> Expert | None:
    """The one asked for, else the one that answered last here, else the first."""
    if conversation is not None and not wanted:
        last = conversation.questions.order_by("-asked_at").values_list(
            "answers__expert_version__expert", flat=True
        )
        wanted = str(last.first())
    chosen = [expert for expert in experts if str(expert.pk) == wanted]
    return next(iter(chosen or experts), None)
