"""Writes an event: inside the caller's transaction, so that act and event stand or fall together.

Knows nothing of what the acts mean.
"""

from datetime import UTC, datetime
from typing import Any

from django.db import connection, models, transaction

from phi3site.audit.canonical import canonical_json, sha256

# Any fixed number: the lock that makes writers take turns.
CHAIN_LOCK = 7_203_144
FIRST_HASH = "0" * 64

_HEAD = "SELECT seq, hash, clock_timestamp() FROM audit_auditevent ORDER BY seq DESC LIMIT 1"
_INSERT = """
INSERT INTO audit_auditevent
    (seq, at, actor_id, actor_name, action, target_type, target_id, details, previous_hash, hash)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


def record(
    action: str,
    *,
    actor: Any = None,
    target: models.Model | None = None,
    details: dict[str, Any] | None = None,
) -> int:
    """Appends one event and returns its number.

    `action` is `noun.past_participle`. Holds the chain's lock until the surrounding transaction
    ends: call it last, just before the commit.
    """
    actor_id, actor_name = (actor.pk, actor.get_username()) if actor is not None else (None, "")
    target_type, target_id = (target._meta.label_lower, str(target.pk)) if target else ("", "")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CHAIN_LOCK])
        cursor.execute(_HEAD)
        head = cursor.fetchone()
        if head is None:
            cursor.execute("SELECT 0, %s, clock_timestamp()", [FIRST_HASH])
            head = cursor.fetchone()
        seq, previous, at = head[0] + 1, head[1], head[2]
        values = (
            actor_id,
            actor_name,
            action,
            target_type,
            target_id,
            canonical_json(details or {}),
        )
        digest = event_hash(seq, at, *values, previous)
        cursor.execute(_INSERT, [seq, at, *values, previous, digest])
    return int(seq)


def event_hash(seq: int, at: datetime, *fields: Any) -> str:
    """sha256 over the canonical JSON list of all columns of an event but its own hash."""
    moment = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return sha256(canonical_json([seq, moment, *fields]))
