"""The pages of collections: which there are, who reads and who manages them."""

from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from knowledge import shelving
from knowledge.forms import CollectionForm, TrashForm
from knowledge.models import MANAGE_ALL, Collection, Document
from knowledge.views import curator_view, guarded
from phi3site.audit.recording import record

State = Collection.State


def _to_collections(request: HttpRequest) -> HttpResponse:
    return redirect("knowledge:collections")


# For those who manage all collections.
manager_view = guarded(MANAGE_ALL, _to_collections)


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
    trashed = Collection.objects.managed_by(request.user).filter(state=State.TRASHED)
    context = {"collections": found, "trashed": trashed.annotate(Count("documents"))}
    return render(request, "knowledge/collections.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@curator_view
def collection(request: HttpRequest, collection_id: UUID) -> HttpResponse:
    """One collection; who may manage collections changes it here."""
    found = _find(request, collection_id)
    if not request.user.has_perm(MANAGE_ALL) or found.state != State.ACTIVE:
        return render(request, "knowledge/collection.html", {"collection": found})
    return _edit(request, found)


@require_http_methods(["GET", "HEAD", "POST"])
@manager_view
def new_collection(request: HttpRequest) -> HttpResponse:
    """A new collection."""
    return _edit(request, Collection())


@require_http_methods(["GET", "HEAD", "POST"])
@manager_view
def trash_collection(request: HttpRequest, collection_id: UUID) -> HttpResponse:
    """Shows what rests on a collection; deletes it once its name was typed."""
    found = _find(request, collection_id)
    form = TrashForm(request.POST or None, collection=found)
    if request.method == "POST" and form.is_valid():
        count = shelving.trash_collection(found, actor=request.user)
        gone = f"“{found}” is deleted: {counted(count)} no longer answer{'s' * (count == 1)}."
        messages.success(request, f"{gone} It can be restored.")
        return redirect("knowledge:collections")
    context = {"collection": found, "form": form, "dependents": shelving.dependents_of(found)}
    return render(request, "knowledge/trash_collection.html", context)


@require_POST
@manager_view
def restore_collection(request: HttpRequest, collection_id: UUID) -> HttpResponse:
    """Brings a collection back."""
    found = _find(request, collection_id)
    count = shelving.restore_collection(found, actor=request.user)
    messages.success(request, f"“{found}” is back, with {counted(count)}.")
    return redirect(found)


@require_http_methods(["GET", "HEAD", "POST"])
@manager_view
def remove_collection(request: HttpRequest, collection_id: UUID) -> HttpResponse:
    """Shows what rests on a deleted collection, then removes it for good."""
    found = _find(request, collection_id)
    if request.method == "POST":
        count = shelving.purge_collection(found, actor=request.user)
        messages.success(request, f"“{found}” is removed for good, with {counted(count)}.")
        return redirect("knowledge:collections")
    context = {"collection": found, "dependents": shelving.dependents_of(found)}
    return render(request, "knowledge/remove_collection.html", context)


def counted(count: int) -> str:
    """In words."""
    return "1 document" if count == 1 else f"{count:,} documents"


def _find(request: HttpRequest, collection_id: UUID) -> Collection:
    """One that the person manages, deleted or not."""
    kept = Collection.objects.managed_by(request.user).exclude(state=State.PURGED)
    return get_object_or_404(kept, pk=collection_id)


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
