"""Which encoders there are, which one is searched with, and the switch from one to another."""

import uuid
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q

# An HNSW index on halfvec takes no more: an encoder with more is refused when it is chosen.
MAX_DIMENSIONS = 4_000
# The likeness that an expert asks for at least, if nobody chose another.
ORDINARY = 0.3


class Encoder(models.Model):
    """A model that turns texts into vectors. Vectors of two encoders are never compared."""

    class State(models.TextChoices):
        """Only one is active; a retired one keeps its vectors until it is forgotten."""

        BUILDING = "building"
        ACTIVE = "active"
        RETIRED = "retired"

    name = models.CharField(max_length=200)
    # Of the weights and of all options that change a vector; empty until a worker has loaded it.
    revision = models.CharField(max_length=100, blank=True)
    # "packaged-minilm", a folder, a hub id, or a server's address and model: https://host/v1#model
    source = models.CharField(max_length=500, blank=True)
    dimensions = models.PositiveIntegerField(validators=[MaxValueValidator(MAX_DIMENSIONS)])
    # Whether fewer dimensions are asked for than the model has.
    is_shortened = models.BooleanField(default=False)
    is_normalised = models.BooleanField(default=True)
    # Written before each question and each passage, for models that were trained so.
    query_prompt = models.CharField(max_length=500, blank=True)
    document_prompt = models.CharField(max_length=500, blank=True)
    max_tokens = models.PositiveIntegerField(default=256)
    # A server's vector of one fixed text: tells when another model answers under the same name.
    probe = ArrayField(models.FloatField(), default=list, blank=True)
    # Its cosines as likenesses: offset + factor * cosine. None: it is the measure of the others.
    likeness_offset = models.FloatField(null=True)
    likeness_factor = models.FloatField(null=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.BUILDING)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=("name", "revision"), name="encoder_identity"),
            models.UniqueConstraint(
                fields=("state",), condition=Q(state="active"), name="one_active_encoder"
            ),
            models.CheckConstraint(
                condition=Q(dimensions__lte=MAX_DIMENSIONS), name="encoder_dimensions"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def shown_state(self) -> str:
        """Its state for people: one whose switch has failed or rests is not being built."""
        if self.state != self.State.BUILDING:
            return str(self.state)
        switch = self.switches.first()
        rests = (EncoderSwitch.Status.FAILED, EncoderSwitch.Status.PAUSED)
        return str(switch.status if switch and switch.status in rests else self.state)

    @property
    def scale(self) -> tuple[float, float]:
        """Offset and factor from a cosine to a likeness."""
        if self.likeness_factor is None:
            return 0.0, 1.0
        return self.likeness_offset or 0.0, self.likeness_factor

    def likeness(self, cosine: float) -> float:
        """What experts' thresholds are compared with, whichever encoder is searched with."""
        offset, factor = self.scale
        return offset + factor * cosine

    @property
    def ordinary_cosine(self) -> float:
        """The way back: its cosine that counts as the likeness that experts ask for at least."""
        offset, factor = self.scale
        return (ORDINARY - offset) / factor


class SwitchQuerySet(models.QuerySet["EncoderSwitch"]):
    """Switches by how far they are."""

    def unfinished(self) -> "SwitchQuerySet":
        """Those that may still happen; there is at most one."""
        return self.filter(status__in=EncoderSwitch.UNFINISHED)

    def under_way(self) -> "SwitchQuerySet":
        """Those that a worker should work on."""
        return self.filter(status__in=EncoderSwitch.UNDER_WAY)


class EncoderSwitch(models.Model):
    """The way from one encoder to another, beside the running search."""

    class Status(models.TextChoices):
        """The stages, in order, and the ends."""

        QUEUED = "queued"
        EMBEDDING = "embedding"
        INDEXING = "indexing"
        PAUSED = "paused"
        FAILED = "failed"
        FINISHED = "finished"
        CANCELLED = "cancelled"

    UNDER_WAY = (Status.QUEUED, Status.EMBEDDING, Status.INDEXING)
    UNFINISHED = (*UNDER_WAY, Status.PAUSED, Status.FAILED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    encoder = models.ForeignKey(Encoder, on_delete=models.CASCADE, related_name="switches")
    former = models.ForeignKey(Encoder, on_delete=models.CASCADE, related_name="+")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    is_rollback = models.BooleanField(default=False)
    # Passages with a vector of the new encoder, and all that need one.
    embedded = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(default=0)
    # The last passage embedded, in the order of ids; empty at the start of each pass.
    position = models.UUIDField(null=True)
    # Passages longer than the new encoder reads: it sees only their beginning.
    cut = models.PositiveBigIntegerField(default=0)
    # Surprises since it last got on; three are enough.
    tries = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)
    error_code = models.CharField(max_length=60, blank=True)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    finished_at = models.DateTimeField(null=True)

    objects = SwitchQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at",)
        default_permissions = ()

    def __str__(self) -> str:
        if self.former.name != self.encoder.name:
            return f"{self.former} → {self.encoder}"
        # One model asked in two ways: the ends of the revisions tell them apart.
        former, encoder = self.former.revision[-8:], self.encoder.revision[-8:]
        return f"{self.encoder} {former} → {encoder or 'not loaded yet'}"

    @property
    def is_under_way(self) -> bool:
        """Whether a worker works on it or is about to."""
        return self.status in self.UNDER_WAY

    @property
    def is_unfinished(self) -> bool:
        """Whether it may still happen."""
        return self.status in self.UNFINISHED

    @property
    def is_counted(self) -> bool:
        """Whether it is known how many passages there are to embed."""
        return self.total > 0

    @property
    def percent(self) -> int:
        """How much is embedded; 100 only when all is."""
        return int(100 * min(self.embedded, self.total) / self.total) if self.total else 0

    def audit_details(self) -> dict[str, Any]:
        """What an event says about it."""
        return {
            "from": f"{self.former.name} {self.former.revision}".strip(),
            "to": f"{self.encoder.name} {self.encoder.revision}".strip(),
            "is_rollback": self.is_rollback,
        }
