"""Documents and their uploaded versions, with how far each has come."""

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from knowledge.models.collections import Collection


class DocumentQuerySet(models.QuerySet["Document"]):
    """Documents by collection rights."""

    def visible_to(self, user: Any) -> "DocumentQuerySet":
        """Documents of collections that the person may read, without those in the trash."""
        return self.filter(
            collection__in=Collection.objects.visible_to(user), state=Document.State.ACTIVE
        )

    def manageable_by(self, user: Any) -> "DocumentQuerySet":
        """Documents that the person may replace or remove, trash included."""
        return self.filter(collection__in=Collection.objects.manageable_by(user))


class Document(models.Model):
    """One source: a manual, a policy, a price list; its states over time are versions."""

    class State(models.TextChoices):
        """Whether it takes part in answers."""

        ACTIVE = "active"
        TRASHED = "trashed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    collection = models.ForeignKey(Collection, on_delete=models.PROTECT, related_name="documents")
    title = models.CharField(max_length=300)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.ACTIVE)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = DocumentQuerySet.as_manager()

    class Meta:
        ordering = ("title",)
        default_permissions = ()
        indexes = [models.Index(fields=("collection", "state"), name="document_collection")]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """The document's page in the console."""
        return reverse("knowledge:document", args=[self.pk])


def upload_path(version: "DocumentVersion", filename: str) -> str:
    """A generated name: nothing of what the browser sent reaches the disk."""
    return f"documents/{version.id.hex[:2]}/{version.id.hex}"


class VersionQuerySet(models.QuerySet["DocumentVersion"]):
    """Versions by state and rights."""

    def visible_to(self, user: Any) -> "VersionQuerySet":
        """Versions of documents that the person may read."""
        return self.filter(document__in=Document.objects.visible_to(user))

    def manageable_by(self, user: Any) -> "VersionQuerySet":
        """Versions that the person may retry or cancel."""
        return self.filter(document__in=Document.objects.manageable_by(user))

    def ready(self) -> "VersionQuerySet":
        """Those that answers may use."""
        return self.filter(status=DocumentVersion.Status.READY)

    def unfinished(self) -> "VersionQuerySet":
        """Queued or under way."""
        return self.filter(status__in=DocumentVersion.UNFINISHED)


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
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.QUEUED)
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
    chunk_count = models.PositiveIntegerField(default=0)
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
        ]

    def __str__(self) -> str:
        return f"{self.document.title} v{self.number}"

    @property
    def is_unfinished(self) -> bool:
        """Whether something may still happen to it."""
        return self.status in self.UNFINISHED
