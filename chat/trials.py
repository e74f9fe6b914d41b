"""A version is tried before it goes live: a conversation of its maker's, bound to that version.

Whoever lost the right to manage experts can still read such a conversation, but asks no more in
it. Knows no queue; `ask` looks here for the version that answers.
"""

from typing import Any
from uuid import UUID

from django.db import transaction

from chat.errors import Forbidden
from chat.models import Conversation, ExpertVersion
from phi3site.audit.recording import record


@transaction.atomic
def start_trial(version: ExpertVersion, *, user: Any) -> Conversation:
    """A new conversation that this version answers; nobody else is ever offered it."""
    title = f"Trial of {version.expert.name}, version {version.number}"
    conversation = Conversation.objects.create(owner=user, title=title, trial=version)
    record("expert_version.tried", actor=user, target=version)
    return conversation


def trial_of(user: Any, conversation_id: UUID | None) -> ExpertVersion | None:
    """The version that a conversation of the user's is bound to, if it is a trial."""
    if conversation_id is None:
        return None
    mine = Conversation.objects.visible_to(user).select_related("trial__expert")
    conversation = mine.filter(pk=conversation_id).first()
    if conversation is None or conversation.trial is None:
        return None
    if not may_try(user, conversation.trial):
        raise Forbidden("This was a trial of an expert's version. Start a new conversation.")
    return conversation.trial


def may_try(user: Any, version: ExpertVersion) -> bool:
    """Whether a person may ask this version before, or after, it is live."""
    return bool(user.has_perm("chat.manage_experts")) and not version.expert.is_archived
