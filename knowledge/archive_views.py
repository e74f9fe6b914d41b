"""The page of a zip: how far it is, and what became of each of its files."""

from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import Case, Value, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from knowledge import line, unpacking
from knowledge.importing import OUTCOMES
from knowledge.models import ArchiveImport
from knowledge.views import curator_view

FILES_A_PAGE = 100


@require_safe
@curator_view
def archive(request: HttpRequest, archive_id: UUID) -> HttpResponse:
    """What was refused comes first; htmx asks again while files are left."""
    found = _find(request, archive_id)
    refused_first = Case(When(outcome="refused", then=Value(0)), default=Value(1))
    entries = found.entries.select_related("version").order_by(refused_first, "number")
    page = Paginator(entries, FILES_A_PAGE).get_page(request.GET.get("page"))
    counted = unpacking.counts_of(found)
    context = {
        "archive": found,
        "page": page,
        "counts": [(name, counted[name]) for name in OUTCOMES if name in counted],
        "is_unserved": found.is_unfinished and not line.is_served(),
    }
    is_partial = request.headers.get("HX-Request") == "true"
    name = "knowledge/_archive.html" if is_partial else "knowledge/archive.html"
    return render(request, name, context)


@require_POST
@curator_view
def cancel_archive(request: HttpRequest, archive_id: UUID) -> HttpResponse:
    """Takes no further file."""
    found = _find(request, archive_id)
    unpacking.cancel(found, actor=request.user)
    return redirect(reverse("knowledge:archive", args=[found.pk]))


def _find(request: HttpRequest, archive_id: UUID) -> ArchiveImport:
    visible = ArchiveImport.objects.visible_to(request.user)
    return get_object_or_404(visible.select_related("collection", "started_by"), pk=archive_id)
