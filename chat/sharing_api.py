"""Files and snapshots of conversations over the API."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Router, Status
from ninja.pagination import paginate

from chat import asking, sharing
from chat.conversations import find_conversation
from chat.exporting import Form, export
from chat.models import Share
from chat.schemas import ShareOut
from chat.share_views import as_file

router = Router(tags=["chat"])


@router.post("/conversations/{uuid:conversation_id}/export")
def export_conversation(
    request: HttpRequest, conversation_id: UUID, form: Form = "json"
) -> HttpResponse:
    """The shown branch with its evidence as a file."""
    asking.require_asker(request.user)
    conversation = find_conversation(request.user, conversation_id)
    return as_file(export(request.user, conversation, form))


@router.post("/conversations/{uuid:conversation_id}/shares", response={201: ShareOut})
def share_conversation(request: HttpRequest, conversation_id: UUID) -> Status[Any]:
    """A snapshot of the shown branch that colleagues can read."""
    asking.require_asker(request.user)
    return Status(201, sharing.share(request.user, conversation_id))


@router.get("/shares", response=list[ShareOut])
@paginate
def list_shares(request: HttpRequest) -> QuerySet[Share]:
    """Your shares that can still be read."""
    asking.require_asker(request.user)
    return Share.objects.of(request.user)


@router.delete("/shares/{uuid:share_id}", response={204: None})
def revoke_share(request: HttpRequest, share_id: UUID) -> Status[None]:
    """Takes a share back."""
    asking.require_asker(request.user)
    sharing.revoke(request.user, share_id)
    return Status(204, None)
