"""Walks the chain and names the first event that isn't as it was written.

What else rests on the log (receipts, say) is checked by the functions that the setting
AUDIT_VERIFIERS names; this module doesn't know them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from django.conf import settings
from django.utils.module_loading import import_string

from phi3site.audit.anchoring import Anchor, read_anchor, write_anchor
from phi3site.audit.models import AuditEvent
from phi3site.audit.recording import FIRST_HASH, event_hash

COLUMNS = (
    *("seq", "at", "actor_id", "actor_name", "action", "target_type", "target_id", "details"),
    *("previous_hash", "hash"),
)


@dataclass(frozen=True)
class Row:
    """One event as it stands in the table."""

    seq: int
    at: datetime
    content: tuple[object, ...]
    previous_hash: str
    hash: str


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


@dataclass(frozen=True)
class Fault:
    """Something outside the log that is not what the log says it was."""

    subject: str
    reason: str
    url: str = ""


Verifier = Callable[[], Iterable[Fault]]


@dataclass(frozen=True)
class Report:
    """The log and all that rests on it."""

    chain: Verification
    faults: list[Fault]

    @property
    def is_intact(self) -> bool:
        """True when nothing at all differs."""
        return self.chain.is_intact and not self.faults


def verify(*, anchor: Anchor | None = None) -> Report:
    """Checks everything, against the last anchor unless another one is given; renews the anchor."""
    found = verify_chain(anchor=anchor or read_anchor())
    if found.is_intact and found.events:
        write_anchor(Anchor(found.events, found.head))
    return Report(found, verify_rest())


def verify_chain(*, anchor: Anchor | None = None) -> Verification:
    """Checks numbers, links and hashes of all events.

    `anchor` was kept outside the database: with it a cut or rewritten end is found as well.
    """
    count, previous = 0, FIRST_HASH
    for row in _rows():
        reason = _fault(row, count + 1, previous)
        if not reason and anchor and anchor.seq == row.seq and anchor.hash != row.hash:
            reason = "was rewritten: its hash differs from the anchor kept outside the database"
        if reason:
            return Verification(count, previous, count + 1, reason)
        count, previous = row.seq, row.hash
    if anchor and anchor.seq > count:
        reason = f"is missing: the log once went up to {anchor.seq}, its end was cut off"
        return Verification(count, previous, count + 1, reason)
    return Verification(count, previous)


def verify_rest() -> list[Fault]:
    """What the functions named by AUDIT_VERIFIERS find."""
    verifiers: list[Verifier] = [import_string(path) for path in settings.AUDIT_VERIFIERS]
    return list(chain.from_iterable(verifier() for verifier in verifiers))


def _rows() -> Iterable[Row]:
    events = AuditEvent.objects.order_by("seq").values_list(*COLUMNS)
    for seq, at, *content, previous, own in events.iterator(chunk_size=2000):
        yield Row(seq, at, tuple(content), previous, own)


def _fault(row: Row, expected: int, previous: str) -> str:
    if row.seq > expected:
        return f"is missing: the next number is {row.seq}"
    if row.seq < expected:
        return f"has the number {row.seq}, which can't be"
    if row.previous_hash != previous:
        return "does not follow the event before it"
    if event_hash(row.seq, row.at, *row.content, row.previous_hash) != row.hash:
        return "was changed: its content differs from its hash"
    return ""
