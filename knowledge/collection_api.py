"""Collections over the API: which there are, and their deletion, as on the pages."""

from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router, Status
from ninja.pagination import paginate

from knowledge import shelving
from knowledge.models import MANAGE_ALL, Collection
from knowledge.purging import Dependent
from knowledge.schemas import CollectionOut, DependentOut

router = Router(tags=["knowledge"])


@router.get("/collections", response=list[CollectionOut])
@paginate
def list_collections(request: HttpRequest) -> QuerySet[Collection]:
    """Collections that you may read."""
    return Collection.objects.visible_to(request.user).shared().order_by("name")


@router.get("/collections/{uuid:collection_id}/dependents", response=list[DependentOut])
def collection_dependents(request: HttpRequest, collection_id: UUID) -> list[Dependent]:
    """What rests on a collection."""
    return shelving.dependents_of(_find(request, collection_id))


@router.delete("/collections/{uuid:collection_id}", response={204: None})
def delete_collection(request: HttpRequest, collection_id: UUID) -> Status[None]:
    """Takes a collection and its documents out of all answers."""
    shelving.trash_collection(_find(request, collection_id), actor=request.user)
    return Status(204, None)


@router.post("/collections/{uuid:collection_id}/restore", response=CollectionOut)
def restore_collection(request: HttpRequest, collection_id: UUID) -> Collection:
    """Brings a deleted collection back with the documents that went with it."""
    found = _find(request, collection_id)
    shelving.restore_collection(found, actor=request.user)
    return found


@router.post("/collections/{uuid:collection_id}/purge", response={204: None})
def purge_collection(request: HttpRequest, collection_id: UUID) -> Status[None]:
    """Removes a deleted collection and its documents for good."""
    shelving.purge_collection(_find(request, collection_id), actor=request.user)
    return Status(204, None)


def _find(request: HttpRequest, collection_id: UUID) -> Collection:
    """Any that is not removed for good, for those who manage collections."""
    if not request.user.has_perm(MANAGE_ALL):
        raise PermissionDenied
    kept = Collection.objects.shared().exclude(state=Collection.State.PURGED)
    return get_object_or_404(kept, pk=collection_id)
