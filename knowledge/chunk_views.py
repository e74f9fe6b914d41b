"""One chunk: its words corrected, switched off or on, and how it came to be what it is."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from knowledge.comparing import Change, compare
from knowledge.correcting import MOST_CHARS, correct
from knowledge.errors import ChunkChanged
from knowledge.models import Chunk, ChunkRevision, DocumentVersion
from knowledge.views import back, curator_view


class CorrectionForm(forms.Form):
    """The words of a chunk, and whether it answers."""

    text = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 12}),
        max_length=MOST_CHARS,
        strip=True,
        label="Words",
        help_text="Answers that cite this passage keep the words that they cited.",
    )
    is_enabled = forms.BooleanField(required=False, label="Answers questions")


def find_chunk(request: HttpRequest, chunk_id: UUID) -> Chunk:
    """One of a document that the person manages."""
    versions = DocumentVersion.objects.manageable_by(request.user)
    chunks = Chunk.objects.select_related("version__document__collection")
    return get_object_or_404(chunks.filter(version__in=versions), pk=chunk_id)


@require_http_methods(["GET", "HEAD", "POST"])
@curator_view
def chunk(request: HttpRequest, chunk_id: UUID) -> HttpResponse:
    """Shows a chunk with its history; saves its correction."""
    found = find_chunk(request, chunk_id)
    present = {"text": found.text, "is_enabled": found.is_enabled}
    form = CorrectionForm(request.POST or None, initial=present)
    if request.method == "POST" and form.is_valid():
        try:
            correct(
                found, **form.cleaned_data, seen=request.POST.get("seen", ""), actor=request.user
            )
        except ChunkChanged as error:
            # What the person wrote stays in the form.
            form.add_error("text", error.message)
        else:
            messages.success(request, "The passage is saved. Its meaning is searched in a moment.")
            return redirect("knowledge:chunk", found.pk)
        found = find_chunk(request, chunk_id)
    context = {
        "chunk": found,
        "version": found.version,
        "document": found.version.document,
        "form": form,
        "history": _history(found),
    }
    return render(request, "knowledge/chunk.html", context)


def _history(chunk: Chunk) -> list[tuple[ChunkRevision, list[Change]]]:
    """Every change, newest first, with what it changed in the words."""
    made = chunk.version.revisions.filter(ordinal=chunk.ordinal).select_related("author")
    return [
        (revision, compare(revision.before.splitlines(), revision.after.splitlines()))
        if revision.before != revision.after
        else (revision, [])
        for revision in made.order_by("-id")
    ]


@require_POST
@curator_view
def switch_chunk(request: HttpRequest, chunk_id: UUID) -> HttpResponse:
    """Takes a chunk out of answers, or back into them."""
    found = find_chunk(request, chunk_id)
    is_enabled = request.POST.get("to") == "on"
    correct(found, is_enabled=is_enabled, actor=request.user)
    words = "answers questions again" if is_enabled else "no longer answers questions"
    messages.success(request, f"Passage {found.ordinal + 1} {words}.")
    return back(request)
