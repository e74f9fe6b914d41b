"""The auditor's pages: find an answer, read its receipt, open its source.

Looking at what somebody else asked is an event of its own, with who looked.
"""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from chat.errors import ChatError
from chat.models import Adapter, Expert
from chat.reading import PAGED_MEDIA
from chat.traces import (
    MAY_TRACE,
    find_passage,
    search_answers,
    tell_story,
    traceable_by,
    verify_answer,
)
from knowledge.errors import KnowledgeError
from knowledge.models import DocumentVersion
from knowledge.pictures import picture_of_page
from phi3site.audit.forms import FilterForm, date_field
from phi3site.audit.recording import record

PAGE_SIZE = 30


class TraceFilter(FilterForm):
    """Each field narrows the list."""

    question = forms.CharField(required=False, max_length=200, label="Words of the question")
    person = forms.CharField(required=False, max_length=150)
    document = forms.CharField(required=False, max_length=300, label="Document used")
    expert = forms.ModelChoiceField(Expert.objects.all(), required=False, empty_label="Any")
    adapter = forms.ModelChoiceField(Adapter.objects.all(), required=False, empty_label="Any")
    since = date_field("From (UTC)")
    until = date_field("To (UTC)")

    def criteria(self) -> dict[str, Any]:
        """What was filled in, as the log keeps it."""
        return {name: str(value) for name, value in self.cleaned_data.items() if value}


@require_safe
@login_required
@permission_required(MAY_TRACE, raise_exception=True)
def traces(request: HttpRequest) -> HttpResponse:
    """Answers of everybody, newest first; htmx gets the table alone."""
    form = TraceFilter(request.GET)
    found = traceable_by(request.user).none()
    if form.is_valid():
        found = search_answers(request.user, **form.cleaned_data)
        if criteria := form.criteria():
            record("answers.searched", actor=request.user, details=criteria)
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    is_partial = request.headers.get("HX-Target") == "answers"
    template = "chat/_traces.html" if is_partial else "chat/traces.html"
    return render(request, template, {"form": form, "page": page})


@require_safe
@login_required
@permission_required(MAY_TRACE, raise_exception=True)
def receipt(request: HttpRequest, answer_id: UUID) -> HttpResponse:
    """One answer from question to proof."""
    answer = get_object_or_404(traceable_by(request.user), pk=answer_id)
    details = {"asker": answer.question.asker_id}
    record("answer.traced", actor=request.user, target=answer, details=details)
    return render(request, "chat/receipt.html", {"story": tell_story(answer)})


@require_POST
@login_required
@permission_required(MAY_TRACE, raise_exception=True)
def verify(request: HttpRequest, answer_id: UUID) -> HttpResponse:
    """Compares the receipt with log, answer and passages once more, for the record."""
    answer = get_object_or_404(traceable_by(request.user), pk=answer_id)
    try:
        story = verify_answer(answer, actor=request.user)
    except ChatError as error:
        messages.error(request, error.message)
        return redirect("chat:receipt", answer_id)
    if request.headers.get("HX-Target") == "report":
        return render(request, "chat/_check.html", {"story": story, "is_asked_for": True})
    tell = messages.success if story.check.is_intact else messages.error
    tell(request, "Verified: it holds." if story.check.is_intact else "Verified: it does not hold.")
    return redirect("chat:receipt", answer_id)


@require_safe
@login_required
@permission_required(MAY_TRACE, raise_exception=True)
def source(request: HttpRequest, passage_id: UUID) -> HttpResponse:
    """A passage of any answer, as it was frozen, in the page of its document."""
    passage = find_passage(request.user, passage_id)
    if passage is None:
        raise Http404("There is no such passage.")
    record("passage.traced", actor=request.user, target=passage)
    best = passage.citations.exclude(passage_start=None).order_by("-support").first()
    start, end = (best.passage_start or 0, best.passage_end or 0) if best else (0, 0)
    parts = (passage.text[:start], passage.text[start:end], passage.text[end:])
    context: dict[str, Any] = dict(zip(("before", "quote", "after"), parts, strict=True))
    context["has_pages"] = passage.media_type == PAGED_MEDIA
    return render(request, "chat/source.html", {"passage": passage, **context})


@require_safe
@login_required
@permission_required(MAY_TRACE, raise_exception=True)
def source_page(request: HttpRequest, passage_id: UUID, number: int) -> FileResponse:
    """A page that a passage stands on, as a picture: of the very version, even one in the trash."""
    passage = find_passage(request.user, passage_id)
    pages = {passage.page, *(box["page"] for box in passage.boxes)} if passage else set()
    version = DocumentVersion.objects.filter(pk=passage.version_id).first() if passage else None
    if version is None or number not in pages:
        raise Http404("There is no such page.")
    try:
        picture = picture_of_page(version, number)
    except KnowledgeError as error:
        raise Http404(error.message) from error
    return FileResponse(picture.open("rb"), content_type="image/png")
