"""Sets of documents, and who may read and manage them."""

import uuid
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Q
from django.urls import reverse

MANAGE_ALL = "knowledge.manage_collections"


class CollectionQuerySet(models.QuerySet["Collection"]):
    """Collections by what a person may do with them."""

    def active(self) -> "CollectionQuerySet":
        """Those that nobody deleted."""
        return self.filter(state=Collection.State.ACTIVE)

    def shared(self) -> "CollectionQuerySet":
        """Those with readers by group; without what people keep for themselves."""
        return self.filter(is_private=False)

    def visible_to(self, user: Any) -> "CollectionQuerySet":
        """Those that the person may read and ask."""
        return self.readable_by(user).active()

    def manageable_by(self, user: Any) -> "CollectionQuerySet":
        """Those whose documents the person may add, replace and remove."""
        return self.managed_by(user).active()

    def readable_by(self, user: Any) -> "CollectionQuerySet":
        """By right alone, deleted ones too: of a reading or managing group, or one's very own."""
        if not user.is_active:
            return self.none()
        own, shared = Q(is_private=True, private_to=user.pk), Q(is_private=False)
        if user.has_perm(MANAGE_ALL):
            return self.filter(shared | own)
        groups = user.groups.values("pk")
        by_group = Q(readers__in=groups) | Q(managers__in=groups)
        return self.filter(shared & by_group | own).distinct()

    def managed_by(self, user: Any) -> "CollectionQuerySet":
        """By right alone, deleted ones too."""
        if not user.is_active or not user.has_perm("knowledge.manage_documents"):
            return self.none()
        if user.has_perm(MANAGE_ALL):
            return self.shared()
        return self.shared().filter(managers__in=user.groups.values("pk")).distinct()


class Collection(models.Model):
    """A set of documents with one rule about who may read and who may manage them."""

    class State(models.TextChoices):
        """Whether it takes part in answers. Of a purged one the name and the rights are left."""

        ACTIVE = "active"
        TRASHED = "trashed"
        PURGED = "purged"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    readers = models.ManyToManyField(Group, blank=True, related_name="readable_collections")
    managers = models.ManyToManyField(Group, blank=True, related_name="managed_collections")
    # Files of one person that nobody else reads or manages, whatever their rights.
    is_private = models.BooleanField(default=False, editable=False)
    private_to = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        editable=False,
    )
    state = models.CharField(
        max_length=10, choices=State.choices, default=State.ACTIVE, editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)
    trashed_at = models.DateTimeField(null=True, editable=False)

    objects = CollectionQuerySet.as_manager()

    class Meta:
        ordering = ("name",)
        default_permissions = ()
        # The name of a deleted one is free again.
        constraints = [
            models.UniqueConstraint(
                fields=("name",), condition=Q(state="active"), name="collection_name"
            )
        ]
        permissions = (
            ("manage_documents", "May add, replace and remove documents"),
            ("manage_collections", "May create collections and decide who reads them"),
        )

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The collection's page in the console."""
        return reverse("knowledge:collection", args=[self.pk])
