"""Files attached to one conversation: read like any document, found in that conversation alone.

They live in a private collection of the conversation's owner, which no role opens to anybody else.
They go to the trash with the conversation, come back with it, and are removed for good a while
after the last question.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.files import File
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from chat.errors import NotFound, QuestionRefused
from chat.hints import announce_change
from chat.models import Conversation
from knowledge.models import Collection, Document, DocumentVersion
from knowledge.purging import purge
from knowledge.shelving import purge_collection, restore_collection, trash_collection
from knowledge.uploads import upload_document
from knowledge.versions import trash
from phi3site.audit.recording import record

# How long a deletion of a conversation can be undone.
UNDO_FOR = timedelta(hours=1)
MOST = 10
# Collections that are removed in one turn.
TURN = 20
NAME = "Attached files"
State = Collection.State


@dataclass(frozen=True)
class Attachment:
    """A file of a conversation and how far it has been read."""

    document: Document
    version: DocumentVersion

    @property
    def is_settled(self) -> bool:
        """Whether nothing more will happen to it by itself."""
        gone = (DocumentVersion.Status.FAILED, DocumentVersion.Status.CANCELLED)
        return self.is_ready or self.version.status in gone

    @property
    def is_ready(self) -> bool:
        """Whether questions find it."""
        return self.version.status == DocumentVersion.Status.READY


def attach(user: Any, conversation_id: UUID | None, file: "File[Any]") -> Conversation:
    """Adds a file to a conversation of one's own, or to a new one.

    Raises NotFound, QuestionRefused for too many, and what knowledge says of a file it refuses.
    """
    with transaction.atomic():
        conversation = _with_collection(user, conversation_id)
        assert conversation.files is not None
        if _active(conversation.files).count() >= MOST:
            raise QuestionRefused(
                f"A conversation takes {MOST} files. Remove one first.", code="too_many_files"
            )
    version = upload_document(conversation.files, file, actor=user)
    details = {"document": str(version.document_id)}
    record("conversation.file_attached", actor=user, target=conversation, details=details)
    announce_change(conversation)
    return conversation


def detach(user: Any, document_id: UUID) -> Conversation:
    """Removes a file for good; answers keep what they quote from it."""
    mine = Conversation.objects.visible_to(user).filter(files__documents=document_id)
    conversation = mine.select_related("files").first()
    document = _active(conversation.files).filter(pk=document_id).first() if conversation else None
    if conversation is None or document is None:
        raise NotFound("There is no such file in a conversation of yours.")
    trash(document, actor=user)
    purge(document, actor=user)
    announce_change(conversation)
    return conversation


def attachments_of(conversation: Conversation) -> list[Attachment]:
    """The files of a conversation, oldest first."""
    documents = _active(conversation.files).prefetch_related("versions").order_by("created_at")
    return [
        Attachment(document, max(document.versions.all(), key=lambda each: each.number))
        for document in documents
    ]


def follow(conversation: Conversation, *, actor: Any) -> None:
    """The files go where their conversation has gone: into the trash, or back."""
    files = conversation.files
    if files is None:
        return
    if conversation.deleted_at is not None and files.state == State.ACTIVE:
        trash_collection(files, actor=actor)
    elif conversation.deleted_at is None and files.state == State.TRASHED:
        restore_collection(files, actor=actor)


def expire() -> int:
    """Removes files of conversations that were left or deleted long enough ago; how many."""
    now = timezone.now()
    left = now - timedelta(days=settings.CHAT_ATTACHMENT_DAYS)
    deleted = now - UNDO_FOR
    over = Conversation.objects.filter(Q(updated_at__lt=left) | Q(deleted_at__lt=deleted))
    due = over.filter(files__state__in=(State.ACTIVE, State.TRASHED)).select_related("files")
    done = 0
    for conversation in due[:TURN]:
        assert conversation.files is not None
        if conversation.files.state == State.ACTIVE:
            trash_collection(conversation.files, actor=None)
        purge_collection(conversation.files, actor=None)
        record("conversation.files_expired", target=conversation)
        done += 1
    return done


def _with_collection(user: Any, conversation_id: UUID | None) -> Conversation:
    """The conversation, locked, with a place for files that can be read now."""
    if conversation_id is None:
        conversation = Conversation.objects.create(owner=user)
    else:
        conversation = _find(user, conversation_id, for_update=True)
    if conversation.files is None or conversation.files.state != State.ACTIVE:
        conversation.files = Collection.objects.create(
            name=f"{NAME} {conversation.pk} {timezone.now():%y%m%d%H%M%S}",
            is_private=True,
            private_to=user,
        )
    conversation.save(update_fields=["files", "updated_at"])
    return conversation


def _find(user: Any, conversation_id: UUID, *, for_update: bool = False) -> Conversation:
    mine = Conversation.objects.visible_to(user)
    rows = mine.select_for_update() if for_update else mine
    conversation = rows.filter(pk=conversation_id).first()
    if conversation is None:
        raise NotFound("There is no such conversation.")
    return conversation


def _active(files: Collection | None) -> Any:
    return Document.objects.filter(collection=files, state=Document.State.ACTIVE)
