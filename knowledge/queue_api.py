"""The ingestion queue over the API: how long the line is, its pause, and who goes first."""

from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router

from knowledge import line
from knowledge.api import require_curator
from knowledge.models import MANAGE_ALL, DocumentVersion
from knowledge.schemas import QueueOut, WaitingOut

router = Router(tags=["knowledge"])


def _require_manager(request: HttpRequest) -> None:
    """The queue is everybody's: only those who manage all collections stop it."""
    if not request.user.has_perm(MANAGE_ALL):
        raise PermissionDenied


def _queue(request: HttpRequest) -> dict[str, object]:
    mine = DocumentVersion.objects.manageable_by(request.user)
    waiting = line.waiting()
    return {
        "is_paused": line.is_paused(),
        "waiting": waiting.filter(pk__in=mine).count(),
        "waiting_in_all": waiting.count(),
        "under_way": mine.unfinished().exclude(pk__in=waiting).count(),
    }


@router.get("/queue", response=QueueOut)
def queue(request: HttpRequest) -> dict[str, object]:
    """How many wait and are under way."""
    require_curator(request)
    return _queue(request)


@router.post("/queue/pause", response=QueueOut)
def pause(request: HttpRequest) -> dict[str, object]:
    """Begins nothing new."""
    _require_manager(request)
    line.pause(actor=request.user)
    return _queue(request)


@router.post("/queue/resume", response=QueueOut)
def resume(request: HttpRequest) -> dict[str, object]:
    """Goes on."""
    _require_manager(request)
    line.resume(actor=request.user)
    return _queue(request)


@router.get("/versions/{uuid:version_id}", response=WaitingOut)
def get_version(request: HttpRequest, version_id: UUID) -> DocumentVersion:
    """One version, how far it is, and its place in the line."""
    return get_object_or_404(DocumentVersion.objects.visible_to(request.user), pk=version_id)


@router.post("/versions/{uuid:version_id}/first", response=WaitingOut)
def put_first(request: HttpRequest, version_id: UUID) -> DocumentVersion:
    """Moves a waiting version to the front of the line."""
    require_curator(request)
    found = get_object_or_404(DocumentVersion.objects.manageable_by(request.user), pk=version_id)
    line.put_first(found, actor=request.user)
    return found
