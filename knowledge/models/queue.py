"""What the ingestion queue remembers beside the versions themselves."""

import uuid
from typing import Any

from django.conf import settings
from django.db import models

from knowledge.models.versions import DocumentVersion


class IngestionPause(models.Model):
    """There is one row while the queue is paused, and none while it runs."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    paused_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    paused_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="one_pause")]

    def __str__(self) -> str:
        return f"paused at {self.paused_at}"


class UploadKey(models.Model):
    """An upload that a client named by a key of its own, so that sending it again has no effect."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    # Of all that was sent; the same key with anything else is refused.
    fingerprint = models.CharField(max_length=64)
    version = models.ForeignKey(DocumentVersion, on_delete=models.CASCADE, related_name="+")
    # What the first answer said about it.
    was_already_there = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=("owner", "key"), name="upload_key_once")]

    def __str__(self) -> str:
        return self.key


class SearchTestQuerySet(models.QuerySet["SearchTest"]):
    """Tests by who made them."""

    def visible_to(self, user: Any) -> "SearchTestQuerySet":
        """One's own, while one manages documents."""
        may = user.is_active and user.has_perm("knowledge.manage_documents")
        return self.filter(owner=user) if may else self.none()


class SearchTest(models.Model):
    """A question that a curator tries out, and what the search made of it; kept for a day."""

    class Status(models.TextChoices):
        """A worker that has the encoder takes it from waiting to an end."""

        WAITING = "waiting"
        FINISHED = "finished"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    # Whose rights the search has.
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    question = models.TextField()
    # {"collections": [id], "as_of": "2026-01-31", "limit": 4, "document": id, "chunk": id}
    options = models.JSONField(default=dict)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    # What `knowledge.explaining` found out.
    result = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SearchTestQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at",)
        default_permissions = ()
        indexes = [models.Index(fields=("status", "created_at"), name="search_test_status")]

    def __str__(self) -> str:
        return str(self.pk)
