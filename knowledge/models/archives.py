"""Zips on their way into a collection, and what became of each file in them."""

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from knowledge.models.collections import Collection
from knowledge.models.versions import DEAD_AFTER, DocumentVersion


class ArchiveQuerySet(models.QuerySet["ArchiveImport"]):
    """Zips by rights and state."""

    def visible_to(self, user: Any) -> "ArchiveQuerySet":
        """Those of collections that the person manages."""
        return self.filter(collection__in=Collection.objects.manageable_by(user))

    def unfinished(self) -> "ArchiveQuerySet":
        """Waiting or under way."""
        return self.filter(status__in=ArchiveImport.UNFINISHED)


class ArchiveImport(models.Model):
    """One uploaded zip; its files are taken one by one, in slices of a job."""

    class Status(models.TextChoices):
        """How far it is."""

        QUEUED = "queued"
        UNPACKING = "unpacking"
        FINISHED = "finished"
        FAILED = "failed"
        CANCELLED = "cancelled"

    UNFINISHED = (Status.QUEUED, Status.UNPACKING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="+")
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    # As the uploader called it; for display only.
    filename = models.CharField(max_length=255)
    # Where it is stored until it is finished.
    file = models.CharField(max_length=200, blank=True)
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    total = models.PositiveIntegerField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    # Fence: a worker may write only while its attempt is the current one. Never goes back.
    attempt = models.PositiveIntegerField(default=0)
    # Attempts that died since one went well.
    tries = models.PositiveIntegerField(default=0)
    heartbeat_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)
    error_code = models.CharField(max_length=60, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    objects = ArchiveQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at",)
        default_permissions = ()
        indexes = [models.Index(fields=("status", "created_at"), name="archive_status")]

    def __str__(self) -> str:
        return self.filename

    @property
    def is_unfinished(self) -> bool:
        """Whether something may still happen to it."""
        return self.status in self.UNFINISHED

    @property
    def shown_status(self) -> str:
        """Its state for people: what a dead worker left behind waits again."""
        is_left = not self.heartbeat_at or self.heartbeat_at < timezone.now() - DEAD_AFTER
        is_worked_on = self.status == self.Status.UNPACKING
        return str(self.Status.QUEUED if is_worked_on and is_left else self.status)


class ArchiveEntry(models.Model):
    """What became of one file of a zip; written together with what it became."""

    archive = models.ForeignKey(ArchiveImport, on_delete=models.CASCADE, related_name="entries")
    # Its place in the zip, from 0.
    number = models.PositiveIntegerField()
    path = models.CharField(max_length=1000)
    # One of `importing.OUTCOMES`.
    outcome = models.CharField(max_length=20)
    # Why it was refused.
    reason = models.TextField(blank=True)
    version = models.ForeignKey(
        DocumentVersion, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ("number",)
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=("archive", "number"), name="archive_entry_once")
        ]

    def __str__(self) -> str:
        return self.path
