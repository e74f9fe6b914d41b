"""Pieces of a version, and their vectors by encoder."""

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from pgvector.django import HalfVectorField

from knowledge.models.collections import Collection
from knowledge.models.encoders import Encoder
from knowledge.models.versions import DocumentVersion


class Chunk(models.Model):
    """A stored piece of a version: what is embedded, found and quoted."""

    class Kind(models.TextChoices):
        """What it was cut from."""

        TEXT = "text"
        TABLE = "table"
        ROW = "row"
        # Rows of a long table: found by their words, never embedded.
        ROWS = "rows"
        SUMMARY = "summary"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    version = models.ForeignKey(DocumentVersion, on_delete=models.CASCADE, related_name="chunks")
    # Copied from the document so that permission filters stay inside one table and its indexes.
    collection = models.ForeignKey(Collection, on_delete=models.PROTECT, related_name="+")
    # True while its version answers questions, today or on another day: set in one statement.
    is_live = models.BooleanField(default=False)
    # False when a person has taken it out of answers.
    is_enabled = models.BooleanField(default=True, db_default=True)
    ordinal = models.PositiveIntegerField()
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.TEXT)
    text = models.TextField()
    # Title, headings and text together: what keyword search and the encoder see.
    context_text = models.TextField()
    # Its words as they are compared, in a language other than English: see `knowledge.stems`.
    stems = models.TextField(blank=True, default="", db_default="")
    headings = ArrayField(models.CharField(max_length=300), default=list)
    page = models.PositiveIntegerField(null=True)
    # Rows of a table: first and last row number, 1-based, header not counted.
    row_from = models.PositiveIntegerField(null=True)
    row_to = models.PositiveIntegerField(null=True)
    # [{"page": 3, "box": [left, top, right, bottom]}], each edge as a share 0..1 of the page.
    boxes = models.JSONField(default=list)
    tokens = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        ordering = ("version", "ordinal")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=("version", "ordinal"), name="chunk_ordinal")]
        indexes = [
            models.Index(
                fields=("collection",), condition=Q(is_live=True), name="chunk_live_collection"
            )
        ]

    def __str__(self) -> str:
        return f"{self.version_id}/{self.ordinal}"


class ChunkRevision(models.Model):
    """One change that a person made to a chunk; the latest of a place is made again by a retry."""

    version = models.ForeignKey(DocumentVersion, on_delete=models.CASCADE, related_name="revisions")
    # Not a foreign key: chunks are made anew when their version is read again.
    ordinal = models.PositiveIntegerField()
    # What extraction gave: the change is made again only to the same text.
    original_sha256 = models.CharField(max_length=64)
    before = models.TextField()
    after = models.TextField()
    is_enabled = models.BooleanField()
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("version", "ordinal", "-id")
        default_permissions = ()
        indexes = [models.Index(fields=("version", "ordinal"), name="revision_place")]

    def __str__(self) -> str:
        return f"{self.version_id}/{self.ordinal}"


class ChunkEmbedding(models.Model):
    """A chunk's vector by one encoder; the HNSW index is one per encoder, on a cast to its size."""

    chunk = models.ForeignKey(Chunk, on_delete=models.CASCADE, related_name="embeddings")
    encoder = models.ForeignKey(Encoder, on_delete=models.CASCADE, related_name="embeddings")
    vector = HalfVectorField()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=("chunk", "encoder"), name="embedding_once")]

    def __str__(self) -> str:
        return f"{self.chunk_id}/{self.encoder_id}"
