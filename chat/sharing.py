"""A conversation as it stands, for colleagues to read: made, listed and taken back by its owner."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from chat.branches import Tree
from chat.conversations import find_conversation
from chat.errors import NotFound, StateConflict
from chat.models import Answer, Share
from phi3site.audit.recording import record


@transaction.atomic
def share(user: Any, conversation_id: UUID) -> Share:
    """A snapshot of the shown branch, without answers that are still being written."""
    conversation = find_conversation(user, conversation_id)
    branch = [step.answer for step in Tree(conversation).branch()]
    finished = set(Answer.objects.finished().filter(pk__in=branch).values_list("pk", flat=True))
    answers = [key for key in branch if key in finished]
    if not answers:
        raise StateConflict("There is no finished answer to share yet. Try it again in a moment.")
    made = conversation.shares.create(title=conversation.title, answers=answers)
    details = {"conversation": str(conversation.pk), "answers": len(answers)}
    record("conversation.shared", actor=user, target=made, details=details)
    return made


@transaction.atomic
def revoke(user: Any, share_id: UUID) -> None:
    """Nobody can open it any more; raises NotFound for what is not the person's own."""
    made = Share.objects.of(user).select_for_update().filter(pk=share_id).first()
    if made is None:
        raise NotFound("There is no such share.")
    made.revoked_at = timezone.now()
    made.save(update_fields=["revoked_at"])
    record("share.revoked", actor=user, target=made)


def find_share(share_id: UUID) -> Share:
    """A share that can be read; raises NotFound for one that was taken back or never was."""
    readable = Share.objects.readable().select_related("conversation__owner")
    found = readable.filter(pk=share_id).first()
    if found is None:
        raise NotFound("There is no such share, or it was taken back.")
    return found
