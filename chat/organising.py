"""How a person keeps their conversations in order: pin, label, archive, delete and take back.

A deleted conversation can be taken back for a while; its rows stay for the auditor in any case,
because receipts name them.
"""

import re
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from chat.asking import UNSTORABLE, stop
from chat.attachments import UNDO_FOR, follow
from chat.errors import NotFound, QuestionRefused
from chat.hints import announce_change
from chat.models import Answer, Conversation
from phi3site.audit.recording import record

MOST_LABELS, LONGEST_LABEL = 5, 30
BETWEEN_LABELS = re.compile(r"[,;\n]")


@transaction.atomic
def pin(user: Any, conversation_id: UUID, *, is_pinned: bool) -> Conversation:
    """Keeps a conversation at the top of its owner's list, or no longer."""
    conversation = _lock(user, conversation_id)
    conversation.is_pinned = is_pinned
    return _saved(conversation, user, "pinned" if is_pinned else "unpinned", ["is_pinned"])


@transaction.atomic
def archive(user: Any, conversation_id: UUID, *, is_archived: bool) -> Conversation:
    """Takes a conversation out of the list without deleting it, or back into it."""
    conversation = _lock(user, conversation_id)
    conversation.archived_at = timezone.now() if is_archived else None
    return _saved(conversation, user, "archived" if is_archived else "unarchived", ["archived_at"])


@transaction.atomic
def label(user: Any, conversation_id: UUID, labels: str) -> Conversation:
    """Gives a conversation these labels, written with commas between, in place of its own."""
    conversation = _lock(user, conversation_id)
    conversation.labels = as_labels(labels)
    return _saved(conversation, user, "labelled", ["labels"])


@transaction.atomic
def delete_conversation(user: Any, conversation_id: UUID) -> Conversation:
    """Takes a conversation from its owner's list and stops what still runs in it."""
    conversation = _lock(user, conversation_id)
    conversation.deleted_at = timezone.now()
    for answer in Answer.objects.filter(question__conversation=conversation).unfinished():
        stop(answer, actor=user)
    follow(conversation, actor=user)
    return _saved(conversation, user, "deleted", ["deleted_at"])


@transaction.atomic
def restore_conversation(user: Any, conversation_id: UUID) -> Conversation:
    """Takes a deletion back while that is possible; raises NotFound afterwards."""
    recent = timezone.now() - UNDO_FOR
    deleted = Conversation.objects.filter(owner_id=user.pk, deleted_at__gt=recent)
    conversation = deleted.select_for_update().filter(pk=conversation_id).first()
    if conversation is None:
        raise NotFound("This conversation can't be brought back any more.")
    conversation.deleted_at = None
    follow(conversation, actor=user)
    return _saved(conversation, user, "restored", ["deleted_at"])


def as_labels(text: str) -> list[str]:
    """Labels as they are stored: trimmed, each once; raises QuestionRefused for too many."""
    words = (" ".join(each.split()) for each in BETWEEN_LABELS.split(UNSTORABLE.sub("", text)))
    known = {each.casefold(): each for each in words if each}
    if len(known) > MOST_LABELS or any(len(each) > LONGEST_LABEL for each in known.values()):
        raise QuestionRefused(
            f"A conversation has at most {MOST_LABELS} labels of {LONGEST_LABEL} characters each.",
            code="labels_refused",
        )
    return list(known.values())


def _lock(user: Any, conversation_id: UUID) -> Conversation:
    mine = Conversation.objects.visible_to(user).select_for_update()
    conversation = mine.filter(pk=conversation_id).first()
    if conversation is None:
        raise NotFound("There is no such conversation.")
    return conversation


def _saved(conversation: Conversation, user: Any, act: str, fields: list[str]) -> Conversation:
    conversation.save(update_fields=fields)
    announce_change(conversation)
    record(f"conversation.{act}", actor=user, target=conversation)
    return conversation
