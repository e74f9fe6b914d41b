"""The reader's pages: a version as pages, text or rows, and its original file.

For everyone who may read the collection; a foreign version is as missing as one that isn't there.
"""

from collections.abc import Sequence
from contextlib import suppress
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
# Chunks that one address may light up.
MARKED = 8


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
    marked = _chunks(found, request.GET.getlist("chunk"))
    chunk = marked[0] if marked else None
    context: dict[str, Any] = {"version": found, "document": found.document, "marked": marked}
    tables = list(found.tables.order_by("ordinal"))
    if found.media_type == PDF.media_type:
        context |= _pages(found, marked, request)
    elif tables:
        context |= grid_context(tables, chunk, request.GET.dict())
    else:
        context |= _text(found, chunk, request)
    return render(request, "knowledge/version.html", context)


def _chunks(version: DocumentVersion, wanted: Sequence[str]) -> list[Chunk]:
    """The chunks of a passage to light up, those that are of this version."""
    keys = []
    for key in wanted[:MARKED]:
        with suppress(ValueError):
            keys.append(UUID(key))
    return list(version.chunks.filter(pk__in=keys).order_by("ordinal"))


def _pages(
    version: DocumentVersion, marked: Sequence[Chunk], request: HttpRequest
) -> dict[str, Any]:
    """A stretch of the PDF's pages around the wanted one."""
    count = version.page_count or 0
    wanted = number_in(request.GET.get("page"), (marked[0].page if marked else 1) or 1)
    stretch = Paginator(range(1, count + 1), PAGES_A_PAGE)
    page = stretch.get_page((min(wanted, max(count, 1)) - 1) // PAGES_A_PAGE + 1)
    boxes = [entry for chunk in marked for entry in chunk.boxes]
    return {
        "pages": [
            ShownPage(number, [entry["box"] for entry in boxes if entry["page"] == number])
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
