"""What is learned: datasets, files on their way to becoming one, and examples with their review."""

import uuid
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.urls import reverse

from knowledge.models import Collection


def upload_place(upload: "Upload", filename: str) -> str:
    """A generated name: what the uploader calls the file never becomes a path."""
    return f"datasets/{upload.pk}"


class Dataset(models.Model):
    """Examples to learn from, uploaded or made; unchanged once a run used them."""

    class Origin(models.TextChoices):
        """What its examples come from."""

        UPLOAD = "upload"
        DOCUMENTS = "documents"
        FEEDBACK = "feedback"

    class Status(models.TextChoices):
        """Whether its examples are there."""

        MAKING = "making"
        READY = "ready"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=120)
    version = models.PositiveIntegerField(default=1)
    filename = models.CharField(max_length=255)
    # Of the uploaded bytes: the same bytes, read alike, are the same dataset. Empty where it was
    # made of something else.
    sha256 = models.CharField(max_length=64, blank=True)
    origin = models.CharField(max_length=10, choices=Origin.choices, default=Origin.UPLOAD)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.READY)
    error = models.TextField(blank=True)
    # What a made one is made from: documents with their versions, and how.
    made_from = models.JSONField(default=dict)
    # Whose words stand in its examples; an adapter that learned them has the same rights.
    collections = models.ManyToManyField(Collection, blank=True, related_name="+")
    # The version that it was copied from to be changed.
    parent = models.ForeignKey(
        "self", null=True, on_delete=models.SET_NULL, related_name="revisions"
    )
    # What the columns of a table mean, where a person chose: {"question": "Frage", …}.
    columns = models.JSONField(default=dict)
    # Counts, duplicates, token statistics, and errors by line, as datasets.Report holds them.
    report = models.JSONField(default=dict)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    # Set by the import that found it instead of making it.
    is_known = False

    class Meta:
        ordering = ("-created_at",)
        default_permissions = ()
        permissions = (("manage_training", "May manage datasets and fine-tuning runs"),)
        constraints = [
            models.UniqueConstraint(fields=("name", "version"), name="dataset_version"),
            models.UniqueConstraint(
                fields=("sha256", "columns"), condition=~Q(sha256=""), name="dataset_bytes"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"

    def get_absolute_url(self) -> str:
        """The dataset's page in the console."""
        return reverse("training:dataset", args=[self.pk])

    @property
    def is_frozen(self) -> bool:
        """Whether a run learned from it, so that it has to stay as it is."""
        return self.runs.exists()


class Upload(models.Model):
    """A table whose columns wait for a person to say what they mean; gone after a day."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=120)
    filename = models.CharField(max_length=255)
    file = models.FileField(upload_to=upload_place)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created_at",)
        default_permissions = ()

    def __str__(self) -> str:
        return self.filename


class ExampleQuerySet(models.QuerySet["Example"]):
    """Examples by state and rights."""

    def accepted(self) -> "ExampleQuerySet":
        """Those that a run learns from or measures with."""
        return self.filter(state=Example.State.ACCEPTED)

    def visible_to(self, user: Any) -> "ExampleQuerySet":
        """Those without words of a collection that the person may not manage."""
        managed = Collection.objects.managed_by(user).values_list("pk", flat=True)
        return self.filter(collections__contained_by=list(managed))


class Example(models.Model):
    """One conversation to learn from."""

    class State(models.TextChoices):
        """What people decided; only accepted ones are used."""

        CANDIDATE = "candidate"
        ACCEPTED = "accepted"
        REJECTED = "rejected"

    class Split(models.TextChoices):
        """What it is used for."""

        TRAIN = "train"
        EVAL = "eval"

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="examples")
    # Line of the uploaded file, 1-based.
    line = models.PositiveIntegerField()
    messages = models.JSONField()
    split = models.CharField(max_length=5, choices=Split.choices, default=Split.TRAIN)
    # Where it comes from: a file name or a document, in the uploader's words.
    source = models.CharField(max_length=300, blank=True)
    # Of the messages as canonical JSON.
    sha256 = models.CharField(max_length=64)
    # Prompt and answer in tokens of the base model at import; null when it was not there.
    tokens = models.PositiveIntegerField(null=True)
    # Line of the first example that says nearly the same; see likeness.
    near = models.PositiveIntegerField(null=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.ACCEPTED)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)
    # Of a made one: {"kind": …, "document": id, "version": id, "chunks": [ids], "answer": id, …}.
    origin = models.JSONField(default=dict)
    # Whose words it holds; without foreign keys, since an example outlives its sources.
    collections = ArrayField(models.UUIDField(), default=list)

    objects = ExampleQuerySet.as_manager()

    class Meta:
        ordering = ("dataset", "line")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=("dataset", "line"), name="example_line")]

    def __str__(self) -> str:
        return f"{self.dataset_id}/{self.line}"
