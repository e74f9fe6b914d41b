"""The events of the log. The database itself refuses to change or remove one (see 0002)."""

import json
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NoReturn

from django.conf import settings
from django.db import models


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    """Events by who, what and when."""

    def matching(
        self,
        *,
        person: str = "",
        action: str = "",
        target: str = "",
        since: date | None = None,
        until: date | None = None,
    ) -> "AuditEventQuerySet":
        """Events that fit each criterion given; days are of UTC, `until` included."""
        events = self
        if person:
            events = events.filter(actor_name__icontains=person)
        if action:
            events = events.filter(action=action)
        if target:
            events = events.filter(target_id=target)
        if since:
            events = events.filter(at__gte=_midnight(since))
        if until:
            events = events.filter(at__lt=_midnight(until + timedelta(days=1)))
        return events

    def known_actions(self) -> list[str]:
        """Every action that occurs, in alphabetical order."""
        return list(self.order_by("action").values_list("action", flat=True).distinct())


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=UTC)


class AuditEvent(models.Model):
    """One act of one person (or of the system), chained to the event before it."""

    # Gap-free: given under a lock, never by a sequence.
    seq = models.BigIntegerField(primary_key=True)
    # The database's clock; hashed as text of microseconds in UTC.
    at = models.DateTimeField()
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        db_constraint=False,
        on_delete=models.DO_NOTHING,
        related_name="+",
    )
    # The name at that moment; it stays when the person is renamed.
    actor_name = models.CharField(max_length=150, blank=True)
    action = models.CharField(max_length=80)
    target_type = models.CharField(max_length=80, blank=True)
    target_id = models.CharField(max_length=64, blank=True)
    # Canonical JSON text, so that the hash never depends on a database's idea of JSON.
    details = models.TextField(default="{}")
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64, unique=True)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        ordering = ("-seq",)
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=("action", "-seq"), name="audit_action"),
            models.Index(fields=("target_type", "target_id", "-seq"), name="audit_target"),
            models.Index(fields=("actor", "-seq"), name="audit_actor"),
            models.Index(fields=("at",), name="audit_at"),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.action}"

    def save(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Events are written by `recording.record` alone."""
        raise TypeError("Audit events are written by record() and never changed.")

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Events stay."""
        raise TypeError("Audit events are never deleted.")

    @property
    def facts(self) -> dict[str, Any]:
        """The details, read back."""
        facts: dict[str, Any] = json.loads(self.details)
        return facts
