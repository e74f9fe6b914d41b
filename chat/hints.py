"""Tells a person's open pages that one of their conversations has changed, in whatever tab.

A hint and no record: a page that hears it asks for what is new; one that misses it is as old as
its last load. Knows no socket; who listens is told in tabs.
"""

import json
import logging

from django.db import transaction
from redis.exceptions import RedisError

from chat.models import Conversation
from phi3site.valkey import prompt_client

CHANGES_CHANNEL = "changes"

logger = logging.getLogger(__name__)


def announce_change(conversation: Conversation) -> None:
    """Once the transaction commits; with Valkey away nothing is raised."""
    owner, key = conversation.owner_id, str(conversation.pk)
    transaction.on_commit(lambda: _publish({"user": owner, "conversation": key}))


def _publish(change: dict[str, object]) -> None:
    try:
        prompt_client().publish(CHANGES_CHANNEL, json.dumps(change))
    except RedisError as error:
        logger.warning("Valkey did not take a hint: %s", type(error).__name__)
