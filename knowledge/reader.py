"""The reader's pages: a version as pages, text or rows, and its original file.

For everyone who may read the collection; a foreign version is as missing as one that isn't there.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from knowledge.errors import KnowledgeError
from knowledge.filetypes import PDF
from knowledge.grid import grid_context, number_in
from knowledge.models import Chunk, DocumentVersion
from knowledge.pictures import picture_of_page
from knowledge.storage import path_of

CHUNKS_A_PAGE = 60
PAGES_A_PAGE = 100


@dataclass(frozen=True)
class ShownPage:
    """A page of a PDF, with the areas to light up."""

    number: int
    boxes: list[list[float]]


@require_safe
@login_required
def version(request: HttpRequest, version_id: UUID) -> HttpResponse:
    """A version as it can be read best: pages of a PDF, rows of a table, else its text."""
    found = get_object_or_404(
        DocumentVersion.objects.visible_to(request.user).select_related("document__collection"),
        pk=version_id,
    )
    chunk = _chunk(found, request.GET.get("chunk", ""))
    context: dict[str, Any] = {"version": found, "document": found.document, "chunk": chunk}
    tables = list(found.tables.order_by("ordinal"))
    if found.media_type == PDF.media_type:
        context |= _pages(found, chunk, request)
    elif tables:
        context |= grid_context(tables, chunk, request.GET.dict())
    else:
        context |= _text(found, chunk, request)
    return render(request, "knowledge/version.html", context)


def _chunk(version: DocumentVersion, wanted: str) -> Chunk | None:
    """The passage to light up, if it is one of this version."""
    try:
        return version.chunks.filter(pk=UUID(wanted)).first()
    except ValueError:
        return None


def _pages(version: DocumentVersion, chunk: Chunk | None, request: HttpRequest) -> dict[str, Any]:
    """A stretch of the PDF's pages around the wanted one."""
    count = version.page_count or 0
    wanted = number_in(request.GET.get("page"), (chunk and chunk.page) or 1)
    stretch = Paginator(range(1, count + 1), PAGES_A_PAGE)
    page = stretch.get_page((min(wanted, max(count, 1)) - 1) // PAGES_A_PAGE + 1)
    marked = chunk.boxes if chunk else []
    return {
        "pages": [
            ShownPage(number, [entry["box"] for entry in marked if entry["page"] == number])
            for number in page
        ],
        "stretch": page,
    }


def _text(version: DocumentVersion, chunk: Chunk | None, request: HttpRequest) -> dict[str, Any]:
    """A stretch of the version's text, passage by passage."""
    wanted = (chunk.ordinal // CHUNKS_A_PAGE + 1) if chunk else 1
    shown = version.chunks.exclude(kind=Chunk.Kind.SUMMARY).order_by("ordinal")
    paginator = Paginator(shown, CHUNKS_A_PAGE)
    return {"page": paginator.get_page(request.GET.get("page") or wanted), "is_text": True}


@require_safe
@login_required
def page_image(request: HttpRequest, version_id: UUID, number: int) -> FileResponse:
    """One page of a PDF as a picture."""
    found = get_object_or_404(DocumentVersion.objects.visible_to(request.user), pk=version_id)
    if found.media_type != PDF.media_type or not 1 <= number <= (found.page_count or 0):
        raise Http404
    try:
        picture = picture_of_page(found, number)
    except KnowledgeError as error:
        raise Http404 from error
    response = FileResponse(picture.open("rb"), content_type="image/png")
    response["Cache-Control"] = "private, max-age=600"
    return response


@require_safe
@login_required
def original(request: HttpRequest, version_id: UUID) -> FileResponse:
    """The file as it was uploaded, to save; never opened by the browser on this site."""
    found = get_object_or_404(DocumentVersion.objects.visible_to(request.user), pk=version_id)
    try:
        path = path_of(found.file.name)
    except KnowledgeError as error:
        raise Http404 from error
    return FileResponse(
        path.open("rb"),
        as_attachment=True,
        filename=found.filename,
        content_type=found.media_type,
    )
