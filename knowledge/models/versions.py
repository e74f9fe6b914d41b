"""Uploaded states of documents: how far each has come, and on which days it answers."""

import uuid
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from knowledge.errors import OF_THE_FILE
from knowledge.models.documents import Document


def upload_path(version: "DocumentVersion", filename: str) -> str:
    """A generated name: nothing of what the browser sent reaches the disk."""
    return f"documents/{version.id.hex[:2]}/{version.id.hex}"


class VersionQuerySet(models.QuerySet["DocumentVersion"]):
    """Versions by state, rights and the day."""

    def visible_to(self, user: Any) -> "VersionQuerySet":
        """Versions of documents that the person may read."""
        return self.filter(document__in=Document.objects.visible_to(user))

    def citable_by(self, user: Any) -> "VersionQuerySet":
        """Versions whose words the person may see in an answer, even when they are gone by now."""
        return self.filter(document__in=Document.objects.citable_by(user))

    def manageable_by(self, user: Any) -> "VersionQuerySet":
        """Versions that the person may retry or cancel."""
        return self.filter(document__in=Document.objects.manageable_by(user))

    def hidden_from(self, user: Any, *, on: date) -> models.QuerySet[Any, Any]:
        """Ids of versions that must not answer the person on that day, whatever else they may.

        Not yet or no longer in force, expired, or of a document with readers of its own. A union
        of few, each found by an index, so that a search leaves them out at no cost.
        """
        withheld = Document.objects.withheld_from(user).values("pk")
        expired = Document.objects.filter(expires_on__lt=on).values("pk")
        return (
            self.filter(effective_from__gt=on)
            .values("pk")
            .union(
                self.filter(effective_until__lte=on).values("pk"),
                self.filter(document__in=expired).values("pk"),
                self.filter(document__in=withheld).values("pk"),
                all=True,
            )
        )

    def answering(self, user: Any, *, on: date) -> "VersionQuerySet":
        """Versions that may answer the person on that day."""
        hidden = DocumentVersion.objects.hidden_from(user, on=on)
        served = (DocumentVersion.Status.READY, DocumentVersion.Status.SUPERSEDED)
        return (
            self.visible_to(user)
            .filter(Q(status=served[0]) | Q(effective_until__isnull=False), status__in=served)
            .exclude(pk__in=hidden)
        )

    def ready(self) -> "VersionQuerySet":
        """The present ones of their documents."""
        return self.filter(status=DocumentVersion.Status.READY)

    def unfinished(self) -> "VersionQuerySet":
        """Queued or under way."""
        return self.filter(status__in=DocumentVersion.UNFINISHED)


# Without a sign of life for so long a worker counts as dead.
DEAD_AFTER = timedelta(seconds=20)
# As UNFINISHED below, which an index can't name.
_UNFINISHED = ("queued", "extracting", "chunking", "embedding", "indexing")


class DocumentVersion(models.Model):
    """One uploaded state of a document, and how far its way to passages has come."""

    class Status(models.TextChoices):
        """The stages, in order, and the ends."""

        QUEUED = "queued"
        EXTRACTING = "extracting"
        CHUNKING = "chunking"
        EMBEDDING = "embedding"
        INDEXING = "indexing"
        READY = "ready"
        FAILED = "failed"
        CANCELLED = "cancelled"
        SUPERSEDED = "superseded"

    UNFINISHED = (
        Status.QUEUED,
        Status.EXTRACTING,
        Status.CHUNKING,
        Status.EMBEDDING,
        Status.INDEXING,
    )

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    file = models.FileField(upload_to=upload_path, max_length=200)
    # As the uploader called it; for display only.
    filename = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64)
    media_type = models.CharField(max_length=100)
    size = models.BigIntegerField()
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    uploaded_at = models.DateTimeField(auto_now_add=True)
    # The first day on which it is in force; none: always was.
    effective_from = models.DateField(null=True, blank=True)
    # The day on which a later version takes over; kept in step by `publishing.refresh_live`.
    effective_until = models.DateField(null=True)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.QUEUED)
    queued_at = models.DateTimeField(default=timezone.now)
    # The place in the line: when it was queued, put off by the time that its size will take.
    turn_at = models.DateTimeField(default=timezone.now)
    # Higher goes first: 1 was put first by a person, -1 is part of a large import.
    priority = models.SmallIntegerField(default=0)
    # Fence: a worker may write only while its attempt is the current one. Never goes back.
    attempt = models.PositiveIntegerField(default=0)
    # Attempts since a person last asked for one: three that die are enough.
    tries = models.PositiveIntegerField(default=0)
    heartbeat_at = models.DateTimeField(null=True)
    # Stage name -> seconds, in the order of the stages.
    timings = models.JSONField(default=dict)
    warnings = models.JSONField(default=list)
    # Why it failed, in words for the uploader.
    error = models.TextField(blank=True)
    error_code = models.CharField(max_length=60, blank=True)
    page_count = models.PositiveIntegerField(null=True)
    # As Postgres names it, where it is known and not English.
    language = models.CharField(max_length=20, blank=True, default="")
    chunk_count = models.PositiveIntegerField(default=0)
    # Whether chunks that answer questions still wait for their vectors.
    lacks_vectors = models.BooleanField(default=False)
    # Chunks embedded so far, for the page.
    progress = models.PositiveIntegerField(default=0)
    ready_at = models.DateTimeField(null=True)

    # Set by `upload_document` when the collection held the very bytes already.
    was_already_there = False

    objects = VersionQuerySet.as_manager()

    class Meta:
        ordering = ("document", "-number")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=("document", "number"), name="version_number"),
            models.UniqueConstraint(
                fields=("document",), condition=Q(status="ready"), name="one_ready_version"
            ),
        ]
        indexes = [
            models.Index(fields=("status", "uploaded_at"), name="version_status"),
            models.Index(fields=("sha256",), name="version_sha256"),
            models.Index(
                fields=("id",), condition=Q(lacks_vectors=True), name="version_lacks_vectors"
            ),
            models.Index(fields=("language",), condition=~Q(language=""), name="version_language"),
            models.Index(
                fields=("-priority", "turn_at"),
                condition=Q(status__in=_UNFINISHED),
                name="version_line",
            ),
            models.Index(
                fields=("effective_from",),
                condition=Q(effective_from__isnull=False),
                name="version_from",
            ),
            models.Index(
                fields=("effective_until",),
                condition=Q(effective_until__isnull=False),
                name="version_until",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.document.title} v{self.number}"

    @property
    def shown_status(self) -> str:
        """Its state for people: what a dead worker left behind waits again."""
        is_worked_on = self.is_unfinished and self.status != self.Status.QUEUED
        is_left = not self.heartbeat_at or self.heartbeat_at < timezone.now() - DEAD_AFTER
        return str(self.Status.QUEUED if is_worked_on and is_left else self.status)

    @property
    def is_at_fault(self) -> bool:
        """Whether it failed for what its file is: only another file helps."""
        return self.status == self.Status.FAILED and self.error_code in OF_THE_FILE

    @property
    def is_unfinished(self) -> bool:
        """Whether something may still happen to it."""
        return self.status in self.UNFINISHED
