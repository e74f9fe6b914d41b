"""Datasets, recipes and runs.

How a run becomes an adapter is told in runs and finetuning; the adapter itself belongs to chat.
"""

import uuid
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.urls import reverse

from knowledge.models import Collection


def _upload_place(upload: "Upload", filename: str) -> str:
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
    file = models.FileField(upload_to=_upload_place)
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


class RunQuerySet(models.QuerySet["Run"]):
    """Runs by state."""

    def unfinished(self) -> "RunQuerySet":
        """Queued or under way."""
        return self.filter(status__in=Run.UNFINISHED)

    def under_way(self) -> "RunQuerySet":
        """Held by a worker, dead or alive."""
        return self.filter(status__in=Run.UNDER_WAY)


class Run(models.Model):
    """Our record of one fine-tuning, whatever becomes of the jobs that execute it."""

    class Status(models.TextChoices):
        """Changed by compare-and-set only."""

        QUEUED = "queued"
        PREPARING = "preparing"
        RUNNING = "running"
        FINISHED = "finished"
        CANCELLED = "cancelled"
        FAILED = "failed"

    UNDER_WAY = (Status.PREPARING, Status.RUNNING)
    UNFINISHED = (Status.QUEUED, *UNDER_WAY)
    RESUMABLE = (Status.FAILED, Status.CANCELLED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=120)
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="runs")
    # Frozen hyperparameters, as recipes.Recipe spells them.
    recipe = models.JSONField()
    base_model = models.CharField(max_length=200)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    # Fence: a worker may write only while its attempt is the current one.
    attempt = models.PositiveIntegerField(default=0)
    heartbeat_at = models.DateTimeField(null=True)
    # Times that it was taken up again by itself since a person last started it.
    restarts = models.PositiveSmallIntegerField(default=0)
    cancel_requested = models.BooleanField(default=False)
    step = models.PositiveIntegerField(default=0)
    total_steps = models.PositiveIntegerField(default=0)
    # Library versions, device, dtype, trainable parameters, predicted memory …
    facts = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    error_code = models.CharField(max_length=60, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at",)
        default_permissions = ()
        indexes = [
            models.Index(
                fields=("heartbeat_at",),
                condition=Q(status__in=("queued", "preparing", "running")),
                name="run_unfinished",
            ),
            models.Index(fields=("-created_at",), name="run_newest"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The run's page in the console."""
        return reverse("training:run", args=[self.pk])

    @property
    def is_unfinished(self) -> bool:
        """Whether something may still happen to it."""
        return self.status in self.UNFINISHED

    @property
    def is_resumable(self) -> bool:
        """Whether a person may take it up again where it stopped."""
        return self.status in self.RESUMABLE

    @property
    def folder(self) -> Path:
        """Where its files lie: examples, events, checkpoints, log."""
        return Path(settings.DATA_DIR) / "runs" / str(self.pk)


class Metric(models.Model):
    """Figures of one step of a run."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="metrics")
    step = models.PositiveIntegerField()
    # "train" or "eval".
    kind = models.CharField(max_length=5)
    # {"loss": …, "learning_rate": …, "grad_norm": …, "tokens_per_second": …}
    values = models.JSONField()

    class Meta:
        ordering = ("run", "step")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=("run", "step", "kind"), name="metric_once")]

    def __str__(self) -> str:
        return f"{self.run_id} {self.kind} {self.step}"


class Checkpoint(models.Model):
    """A complete saved step of a run."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="checkpoints")
    step = models.PositiveIntegerField()
    # Relative to the run's folder.
    folder = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("run", "step")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=("run", "step"), name="checkpoint_step")]

    def __str__(self) -> str:
        return f"{self.run_id} step {self.step}"
