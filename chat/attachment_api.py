"""Files of a conversation over the API."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import File, Router, Status
from ninja.files import UploadedFile

from chat import asking, attachments
from chat.conversations import find_conversation
from chat.schemas import AttachmentOut

router = Router(tags=["chat"])


@router.get("/conversations/{uuid:conversation_id}/attachments", response=list[AttachmentOut])
def list_attachments(request: HttpRequest, conversation_id: UUID) -> list[dict[str, Any]]:
    """The files of a conversation and how far each has been read."""
    asking.require_asker(request.user)
    found = attachments.attachments_of(find_conversation(request.user, conversation_id))
    return [
        {
            "id": each.document.pk,
            "title": each.document.title,
            "version": each.version.pk,
            "status": each.version.status,
            "error": each.version.error,
        }
        for each in found
    ]


@router.post("/conversations/{uuid:conversation_id}/attachments", response={202: None})
def attach_file(
    request: HttpRequest, conversation_id: UUID, file: File[UploadedFile]
) -> Status[None]:
    """Adds a file that this conversation alone finds; it is read by a worker."""
    asking.require_asker(request.user)
    attachments.attach(request.user, conversation_id, file)
    return Status(202, None)


@router.delete("/attachments/{uuid:document_id}", response={204: None})
def remove_attachment(request: HttpRequest, document_id: UUID) -> Status[None]:
    """Removes a file of a conversation of yours for good."""
    asking.require_asker(request.user)
    attachments.detach(request.user, document_id)
    return Status(204, None)
