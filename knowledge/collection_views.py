"""The pages of collections: which there are, who reads and who manages them."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.db import transaction
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from knowledge.forms import CollectionForm
from knowledge.models import MANAGE_ALL, Collection, Document
from knowledge.views import curator_view
from phi3site.audit.recording import record


@require_safe
@curator_view
def collections(request: HttpRequest) -> HttpResponse:
    """Those that the person manages, with how many documents they hold."""
    active = Q(documents__state=Document.State.ACTIVE)
    found = (
        Collection.objects.manageable_by(request.user)
        .annotate(document_count=Count("documents", active, distinct=True))
        .prefetch_related("readers", "managers")
    )
    return render(request, "knowledge/collections.html", {"collections": found})


@require_http_methods(["GET", "HEAD", "POST"])
@curator_view
def collection(request: HttpRequest, collection_id: UUID) -> HttpResponse:
    """One collection; who may manage collections changes it here."""
    found = get_object_or_404(Collection.objects.manageable_by(request.user), pk=collection_id)
    if not request.user.has_perm(MANAGE_ALL):
        return render(request, "knowledge/collection.html", {"collection": found})
    return _edit(request, found)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@permission_required(MANAGE_ALL, raise_exception=True)
def new_collection(request: HttpRequest) -> HttpResponse:
    """A new collection."""
    return _edit(request, Collection())


def _edit(request: HttpRequest, found: Collection) -> HttpResponse:
    """Shows or saves the form; each change is an event with the groups as they are then."""
    is_new = found._state.adding
    form = CollectionForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            saved = form.save()
            details = {
                "name": saved.name,
                "readers": sorted(group.name for group in saved.readers.all()),
                "managers": sorted(group.name for group in saved.managers.all()),
            }
            action = "collection.created" if is_new else "collection.changed"
            record(action, actor=request.user, target=saved, details=details)
        messages.success(request, f"“{saved.name}” is saved.")
        return redirect("knowledge:collections")
    context = {"collection": None if is_new else found, "form": form}
    return render(request, "knowledge/collection.html", context)
