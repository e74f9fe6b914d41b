"""The curator's pages: the list of documents, and one document. Acts on it: see act_views."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from knowledge import line
from knowledge.detail_forms import BulkForm
from knowledge.errors import KnowledgeError
from knowledge.forms import DocumentFilterForm, NewVersionForm, UploadForm
from knowledge.inspecting import inspect
from knowledge.listing import archives_for, columns_for, counts, documents_for, stages_of
from knowledge.models import (
    ArchiveImport,
    Collection,
    Document,
    DocumentVersion,
    IngestionPause,
)
from knowledge.unpacking import accept
from knowledge.uploads import found_elsewhere, upload_many

DOCUMENTS_A_PAGE = 50
# In the session: where the person uploaded last.
LAST_COLLECTION = "upload_collection"
View = Callable[..., HttpResponse]


def guarded(permission: str, way_back: View) -> Callable[[View], View]:
    """For those who have the permission; our errors become a message on the page of `way_back`."""

    def guard(view: View) -> View:
        @wraps(view)
        def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                return view(request, *args, **kwargs)
            except KnowledgeError as error:
                messages.error(request, error.message)
                return way_back(request)

        return login_required(permission_required(permission, raise_exception=True)(wrapped))

    return guard


def back(request: HttpRequest) -> HttpResponse:
    """To the page that the person came from, if it is one of ours; else to the list."""
    came_from = request.headers.get("Referer", "")
    is_ours = url_has_allowed_host_and_scheme(came_from, {request.get_host()})
    return redirect(came_from if is_ours else "knowledge:documents")


# For those who manage documents.
curator_view = guarded("knowledge.manage_documents", back)


@require_safe
@curator_view
def documents(request: HttpRequest) -> HttpResponse:
    """The list; htmx asks for its rows again while something is under way."""
    filters = DocumentFilterForm(request.GET, user=request.user, auto_id="filter_%s")
    found = documents_for(request.user, filters)
    page = Paginator(found, DOCUMENTS_A_PAGE).get_page(request.GET.get("page"))
    chosen = filters.cleaned_data.get("collection")
    counted = counts(found)
    context = {
        "filters": filters,
        "page": page,
        "counts": counted,
        "is_unserved": bool(counted["unfinished"]) and not line.is_served(),
        "columns": columns_for(filters),
        "is_filtered": filters.is_used,
        "is_trash": filters.is_trash,
        "bulk": BulkForm(user=request.user, auto_id="bulk_%s"),
        "today": timezone.localdate(),
        "upload": _upload_form(request, chosen),
        "archives": archives_for(request.user),
        "paused": IngestionPause.objects.select_related("paused_by").first(),
    }
    is_partial = request.headers.get("HX-Request") == "true"
    name = "knowledge/_documents.html" if is_partial else "knowledge/documents.html"
    return render(request, name, context)


def _upload_form(request: HttpRequest, chosen: Collection | None) -> UploadForm:
    """Offers the collection of the list, else that of the last upload, else none."""
    first = chosen or request.session.get(LAST_COLLECTION)
    return UploadForm(user=request.user, initial={"collection": first} if first else None)


@require_POST
@curator_view
def upload(request: HttpRequest) -> HttpResponse:
    """Takes several files; each refusal is told, the others go on."""
    form = UploadForm(request.POST, request.FILES, user=request.user)
    if not form.is_valid():
        for errors in form.errors.values():
            messages.error(request, " ".join(str(error) for error in errors))
        return back(request)
    collection = form.cleaned_data["collection"]
    request.session[LAST_COLLECTION] = str(collection.pk)
    archives, files = form.sorted_files()
    accepted = [one for file in archives if (one := _accept(request, file, collection))]
    taken, refused = upload_many(collection, files, actor=request.user)
    for error in refused:
        messages.error(request, error.message)
    for version in taken:
        if version.was_already_there:
            messages.info(request, f"“{version.document.title}” is there already, unchanged.")
        elif version.number > 1:
            known = f"“{version.document.title}” was there: this is its version {version.number}."
            messages.info(request, f"{known} The one before answers until this one is ready.")
        elif elsewhere := found_elsewhere(version, request.user):
            messages.warning(request, _same_title(version, elsewhere))
    new = sum(not version.was_already_there for version in taken)
    if new:
        counted = "1 file" if new == 1 else f"{new} files"
        messages.success(request, f"{counted} uploaded to {collection}.")
    # A single zip has a page of its own, where its files are told one by one.
    is_alone = len(accepted) == 1 and not files
    return redirect("knowledge:archive", accepted[0].pk) if is_alone else back(request)


def _accept(request: HttpRequest, file: Any, collection: Collection) -> ArchiveImport | None:
    """Queues a zip, whose files a worker takes; says why where it can't be."""
    try:
        return accept(collection, file, actor=request.user)
    except KnowledgeError as error:
        messages.error(request, error.message)
        return None


def _same_title(version: DocumentVersion, elsewhere: list[Document]) -> str:
    names = ", ".join(f"“{other.collection}”" for other in elsewhere)
    return (
        f"“{version.document.title}” stands in {names}, too. If it is the same document, keep one "
        "of them: an answer may rest on either."
    )


@require_safe
@curator_view
def document(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """One document: the way of a version, its passages, and all versions."""
    found = get_object_or_404(Document.objects.manageable_by(request.user), pk=document_id)
    all_versions = list(found.versions.select_related("uploaded_by").order_by("-number"))
    number = request.GET.get("version", "")
    shown = next((v for v in all_versions if str(v.number) == number), all_versions[0])
    context = {
        "document": found,
        "versions": all_versions,
        "version": shown,
        "stages": stages_of(shown),
        "passage_count": shown.chunks.count(),
        **inspect(shown, request.GET.dict()),
        "form": NewVersionForm(),
        "position": line.position(shown),
        "is_unserved": shown.is_unfinished and not line.is_served(),
        "paused": line.is_paused(),
        "today": timezone.localdate(),
    }
    is_partial = request.headers.get("HX-Request") == "true"
    name = "knowledge/_progress.html" if is_partial and shown.is_unfinished else None
    if is_partial and name is None:
        # Finished: passages and versions have changed too, so the whole page is loaded.
        response = HttpResponse()
        response["HX-Refresh"] = "true"
        return response
    return render(request, name or "knowledge/document.html", context)
