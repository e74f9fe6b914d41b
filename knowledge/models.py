"""What a company knows: collections of documents, their versions, chunks and embeddings.

Rows are reached through `visible_to(user)`; what a row means for a question is told in retrieval.
"""

import uuid
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.urls import reverse
from pgvector.django import HalfVectorField

MANAGE_ALL = "knowledge.manage_collections"


class CollectionQuerySet(models.QuerySet["Collection"]):
    """Collections by what a person may do with them."""

    def visible_to(self, user: Any) -> "CollectionQuerySet":
        """Those that the person may read, as a member of a reading or managing group."""
        if not user.is_active:
            return self.none()
        if user.has_perm(MANAGE_ALL):
            return self
        groups = user.groups.values("pk")
        return self.filter(Q(readers__in=groups) | Q(managers__in=groups)).distinct()

    def manageable_by(self, user: Any) -> "CollectionQuerySet":
        """Those whose documents the person may add, replace and remove."""
        if not user.is_active or not user.has_perm("knowledge.manage_documents"):
            return self.none()
        if user.has_perm(MANAGE_ALL):
            return self
        return self.filter(managers__in=user.groups.values("pk")).distinct()


class Collection(models.Model):
    """A set of documents with one rule about who may read and who may manage them."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=120, unique=True)
    description = models.TextField(blank=True)
    readers = models.ManyToManyField(Group, blank=True, related_name="readable_collections")
    managers = models.ManyToManyField(Group, blank=True, related_name="managed_collections")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = CollectionQuerySet.as_manager()

    class Meta:
        ordering = ("name",)
        default_permissions = ()
        permissions = (
            ("manage_documents", "May add, replace and remove documents"),
            ("manage_collections", "May create collections and decide who reads them"),
        )

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The collection's page in the console."""
        return reverse("knowledge:collection", args=[self.pk])


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


class Chunk(models.Model):
    """A stored piece of a version: what is embedded, found and quoted."""

    class Kind(models.TextChoices):
        """What it was cut from."""

        TEXT = "text"
        TABLE = "table"
        ROW = "row"
        SUMMARY = "summary"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    version = models.ForeignKey(DocumentVersion, on_delete=models.CASCADE, related_name="chunks")
    # Copied from the document so that permission filters stay inside one table and its indexes.
    collection = models.ForeignKey(Collection, on_delete=models.PROTECT, related_name="+")
    # True while its version is the ready one of an active document: set in one statement.
    is_live = models.BooleanField(default=False)
    ordinal = models.PositiveIntegerField()
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.TEXT)
    text = models.TextField()
    # Title, headings and text together: what keyword search and the encoder see.
    context_text = models.TextField()
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


class Encoder(models.Model):
    """A model that turns texts into vectors. Vectors of two encoders are never compared."""

    class State(models.TextChoices):
        """Only one is active."""

        BUILDING = "building"
        ACTIVE = "active"
        RETIRED = "retired"

    name = models.CharField(max_length=200)
    revision = models.CharField(max_length=100, blank=True)
    dimensions = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.BUILDING)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=("name", "revision"), name="encoder_identity"),
            models.UniqueConstraint(
                fields=("state",), condition=Q(state="active"), name="one_active_encoder"
            ),
        ]

    def __str__(self) -> str:
        return self.name


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


class Table(models.Model):
    """One CSV file or one sheet: its columns, and how many rows were read."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    version = models.ForeignKey(DocumentVersion, on_delete=models.CASCADE, related_name="tables")
    name = models.CharField(max_length=200)
    ordinal = models.PositiveIntegerField()
    # [{"name": "Price", "type": "number|text|date|boolean"}], in the file's order.
    columns = models.JSONField(default=list)
    row_count = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("version", "ordinal")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=("version", "ordinal"), name="table_ordinal")]

    def __str__(self) -> str:
        return self.name


class TableRow(models.Model):
    """One row, its cells typed as its table's columns say."""

    table = models.ForeignKey(Table, on_delete=models.CASCADE, related_name="rows")
    # 1-based, header not counted.
    number = models.PositiveIntegerField()
    cells = models.JSONField(default=list)

    class Meta:
        ordering = ("table", "number")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=("table", "number"), name="table_row_number")]

    def __str__(self) -> str:
        return f"{self.table_id}/{self.number}"
