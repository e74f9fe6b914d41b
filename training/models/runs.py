"""Fine-tuning runs with their figures and checkpoints."""

import uuid
from pathlib import Path

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from training.models.datasets import Dataset


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
