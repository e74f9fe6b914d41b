"""What a curator does with one document: new versions, details, what changed, trash, removal."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from knowledge import versions
from knowledge.detail_forms import DetailsForm
from knowledge.filing import file_document, rename
from knowledge.forms import NewVersionForm
from knowledge.grid import number_in
from knowledge.listing import changes_between, pair_of
from knowledge.models import Document, DocumentVersion
from knowledge.purging import dependents, purge
from knowledge.uploads import upload_document
from knowledge.views import back, curator_view


def find_document(request: HttpRequest, document_id: UUID) -> Document:
    """One that the person manages; anything else is as missing as one that isn't there."""
    return get_object_or_404(Document.objects.manageable_by(request.user), pk=document_id)


def find_version(request: HttpRequest, version_id: UUID) -> DocumentVersion:
    """The same for a version."""
    return get_object_or_404(DocumentVersion.objects.manageable_by(request.user), pk=version_id)


@require_POST
@curator_view
def new_version(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Uploads the next version of a document."""
    found = find_document(request, document_id)
    form = NewVersionForm(request.POST, request.FILES)
    if not form.is_valid():
        messages.error(request, "Choose a file; a day is written as on the calendar.")
        return redirect(found)
    version = upload_document(
        found.collection,
        form.cleaned_data["file"],
        actor=request.user,
        document=found,
        effective_from=form.cleaned_data["effective_from"],
    )
    if version.was_already_there:
        messages.info(request, "This is the very file of the present version; nothing changed.")
    return redirect(found)


@require_POST
@curator_view
def retry(request: HttpRequest, version_id: UUID) -> HttpResponse:
    """Tries a failed or cancelled version again."""
    versions.retry(find_version(request, version_id), actor=request.user)
    return back(request)


@require_POST
@curator_view
def cancel(request: HttpRequest, version_id: UUID) -> HttpResponse:
    """Stops a version on its way."""
    versions.cancel(find_version(request, version_id), actor=request.user)
    return back(request)


@require_POST
@curator_view
def read_again(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Takes the file of the newest version through all stages once more."""
    found = find_document(request, document_id)
    versions.read_again(found, actor=request.user)
    messages.success(request, f"“{found.title}” is read again. Until then nothing changes.")
    return redirect(found)


@require_POST
@curator_view
def trash(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Takes a document out of all answers."""
    found = find_document(request, document_id)
    versions.trash(found, actor=request.user)
    messages.success(request, f"“{found.title}” no longer answers questions.")
    return redirect("knowledge:documents")


@require_POST
@curator_view
def restore(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Brings a document back."""
    found = find_document(request, document_id)
    versions.restore(found, actor=request.user)
    if found.versions.ready().exists():
        messages.success(request, f"“{found.title}” answers questions again.")
    else:
        messages.success(request, f"“{found.title}” is back. It answers once it is read.")
    if versions.is_title_taken(found, found.title):
        messages.warning(request, f"“{found.title}” stands twice in {found.collection} now.")
    return redirect(found)


@require_http_methods(["GET", "HEAD", "POST"])
@curator_view
def remove(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Shows what rests on a document in the trash, then removes it for good."""
    found = find_document(request, document_id)
    if request.method == "POST":
        purge(found, actor=request.user)
        messages.success(request, f"“{found.title}” is removed for good.")
        return redirect("knowledge:documents")
    context = {"document": found, "dependents": dependents(found)}
    return render(request, "knowledge/remove.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@curator_view
def details(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Owner, labels, days and readers of a document."""
    found = find_document(request, document_id)
    form = DetailsForm(request.POST or None, document=found)
    if request.method == "POST" and form.is_valid():
        file_document(found, form.details(), actor=request.user)
        if rename(found, form.cleaned_data["title"], actor=request.user):
            messages.info(request, "Its file is read again, so that it is found by its new title.")
        messages.success(request, "The details are saved.")
        return redirect(found)
    return render(request, "knowledge/details.html", {"document": found, "form": form})


@require_safe
@curator_view
def changes(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """What changed between two versions; by default between the last two."""
    found = find_document(request, document_id)
    before, after = pair_of(found, *(number_in(request.GET.get(k), 0) for k in ("from", "to")))
    context = {
        "document": found,
        "versions": found.versions.order_by("-number"),
        "before": before,
        "after": after,
        "changes": changes_between(before, after),
    }
    return render(request, "knowledge/changes.html", context)
