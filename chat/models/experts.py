"""What an employee picks: experts, their frozen versions, and the adapters they may use."""

import uuid
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Q
from django.urls import reverse

from knowledge.models import Collection


class AdapterQuerySet(models.QuerySet["Adapter"]):
    """Adapters by state."""

    def usable(self) -> "AdapterQuerySet":
        """Those that an expert version may name."""
        return self.exclude(state__in=(Adapter.State.RETIRED, Adapter.State.REFUSED))


class Adapter(models.Model):
    """LoRA weights that the engine can load on top of exactly one base model."""

    class State(models.TextChoices):
        CANDIDATE = "candidate"
        LIVE = "live"
        RETIRED = "retired"
        REFUSED = "refused"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=120)
    version = models.PositiveIntegerField(default=1)
    # Relative to DATA_DIR.
    folder = models.CharField(max_length=200)
    # File name -> sha256.
    manifest = models.JSONField(default=dict)
    # `Fingerprint.base` of the model it was trained on.
    base_fingerprint = models.CharField(max_length=100)
    base_model = models.CharField(max_length=200)
    method = models.CharField(max_length=10)
    rank = models.PositiveIntegerField()
    target_modules = models.JSONField(default=list)
    state = models.CharField(max_length=10, choices=State.choices, default=State.CANDIDATE)
    # The run it came from, if any: an id of the training app, which this app doesn't know.
    run_id = models.UUIDField(null=True, unique=True)
    # Whose documents its examples were made of, where that is known: who may not read one of these
    # is not answered with it.
    collections = models.ManyToManyField(Collection, blank=True, related_name="+")
    # Final figures of the run, for the page: {"loss": 0.1, "examples": 320, …}.
    metrics = models.JSONField(default=dict)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AdapterQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at",)
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=("name", "version"), name="adapter_version")]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"

    def get_absolute_url(self) -> str:
        """The adapter's page in the console."""
        return reverse("chat:adapter", args=[self.pk])


class ExpertQuerySet(models.QuerySet["Expert"]):
    """Experts by who may ask them."""

    def visible_to(self, user: Any) -> "ExpertQuerySet":
        """Experts with a live version that the person's groups may ask; all for who manages them.

        An expert without groups is open to everyone who may ask at all.
        """
        if not user.is_active:
            return self.none()
        if user.has_perm("chat.manage_experts"):
            return self.filter(is_archived=False)
        allowed = Q(groups__isnull=True) | Q(groups__in=user.groups.values("pk"))
        return self.filter(allowed, live_version__isnull=False, is_archived=False).distinct()


class Expert(models.Model):
    """What an employee picks: a name for a sequence of frozen versions, one of them live."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=120, unique=True)
    description = models.TextField(blank=True)
    # Questions that an empty conversation offers.
    examples = models.JSONField(default=list, blank=True)
    groups = models.ManyToManyField(Group, blank=True, related_name="experts")
    live_version = models.OneToOneField(
        "ExpertVersion", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    is_archived = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ExpertQuerySet.as_manager()

    class Meta:
        ordering = ("name",)
        default_permissions = ()
        permissions = (("manage_experts", "May create experts and decide what goes live"),)

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The expert's page in the console."""
        return reverse("chat:expert", args=[self.pk])


class ExpertVersion(models.Model):
    """One frozen state of an expert; a change makes a new one."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    expert = models.ForeignKey(Expert, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    system_prompt = models.TextField()
    collections = models.ManyToManyField(Collection, blank=True, related_name="+")
    adapter = models.ForeignKey(
        Adapter, null=True, blank=True, on_delete=models.PROTECT, related_name="expert_versions"
    )
    # {"passages": 4, "min_score": 0.3 …}; see experts.RetrievalSettings.
    retrieval = models.JSONField(default=dict)
    # As chat.engine.Sampling spells it.
    sampling = models.JSONField(default=dict)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("expert", "-number")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=("expert", "number"), name="expert_version_number")
        ]

    def __str__(self) -> str:
        return f"{self.expert.name} v{self.number}"

    @property
    def is_quoting(self) -> bool:
        """Whether it answers with sentences of the documents alone."""
        return bool(self.retrieval.get("is_quoting"))
