"""Walks the chain and names the first event that isn't as it was written."""

from collections.abc import Iterator
from dataclasses import dataclass

from phi3site.audit.models import AuditEvent
from phi3site.audit.recording import FIRST_HASH, event_hash


@dataclass(frozen=True)
class Verification:
    """Outcome of a walk: how many events hold, and the first that doesn't with the reason."""

    events: int
    head: str
    bad_seq: int | None = None
    reason: str = ""

    @property
    def is_intact(self) -> bool:
        """True when every event holds."""
        return self.bad_seq is None


def verify_chain(*, anchor: tuple[int, str] | None = None) -> Verification:
    """Checks numbers, links and hashes of all events.

    `anchor` is a (seq, hash) kept outside the database: with it a cut tail is found as well.
    """
    count, previous = 0, FIRST_HASH
    for event in _events():
        reason = _fault(event, count + 1, previous)
        if reason:
            return Verification(count, previous, count + 1, reason)
        count, previous = count + 1, event.hash
        if anchor and anchor[0] == count and anchor[1] != previous:
            return Verification(count, previous, count, "differs from the anchor")
    if anchor and anchor[0] > count:
        return Verification(count, previous, count + 1, "missing: the end of the log was cut off")
    return Verification(count, previous)


def _events() -> Iterator[AuditEvent]:
    return AuditEvent.objects.order_by("seq").iterator(chunk_size=2000)


def _fault(event: AuditEvent, seq: int, previous: str) -> str:
    if event.seq != seq:
        return f"missing: the next number is {event.seq}"
    if event.previous_hash != previous:
        return "does not follow the event before it"
    values = (event.actor_id, event.actor_name, event.action, event.target_type, event.target_id)
    if event_hash(event.seq, event.at, *values, event.details, event.previous_hash) != event.hash:
        return "its content differs from its hash"
    return ""
