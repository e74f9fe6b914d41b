"""Documents: what each is called, who reads it, until when it holds."""

import uuid
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.urls import reverse

from knowledge.models.collections import Collection


class DocumentQuerySet(models.QuerySet["Document"]):
    """Documents by the rights on their collection, narrowed by their own readers."""

    def visible_to(self, user: Any) -> "DocumentQuerySet":
        """Documents that the person may read, without those in the trash."""
        return self.citable_by(user).filter(state=Document.State.ACTIVE)

    def citable_by(self, user: Any) -> "DocumentQuerySet":
        """Documents whose words the person may see in an answer, even when they are gone by now."""
        return self.filter(collection__in=Collection.objects.readable_by(user)).exclude(
            pk__in=Document.objects.withheld_from(user).values("pk")
        )

    def withheld_from(self, user: Any) -> "DocumentQuerySet":
        """Documents with readers of their own of whom the person is none; managers see all."""
        readers = Document.readers.through.objects
        open_to = readers.filter(group__in=user.groups.values("pk"))
        return (
            self.filter(pk__in=readers.values("document_id"))
            .exclude(pk__in=open_to.values("document_id"))
            .exclude(collection__in=Collection.objects.managed_by(user).values("pk"))
        )

    def manageable_by(self, user: Any) -> "DocumentQuerySet":
        """Documents that the person may replace or remove, trash included; none that is purged."""
        return self.filter(collection__in=Collection.objects.managed_by(user)).exclude(
            state=Document.State.PURGED
        )


class Document(models.Model):
    """One source: a manual, a policy, a price list; its states over time are versions."""

    class State(models.TextChoices):
        """Whether it takes part in answers. Of a purged one only the names are left."""

        ACTIVE = "active"
        TRASHED = "trashed"
        PURGED = "purged"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    collection = models.ForeignKey(Collection, on_delete=models.PROTECT, related_name="documents")
    title = models.CharField(max_length=300)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.ACTIVE)
    # None: everybody who reads the collection. Otherwise only these of them.
    readers = models.ManyToManyField(Group, blank=True, related_name="+")
    labels = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    # The last day on which it answers questions.
    expires_on = models.DateField(null=True, blank=True)
    # When a person should look at it again.
    review_by = models.DateField(null=True, blank=True)
    # Where it lies below the imported folder; empty when it was uploaded by hand.
    source_path = models.CharField(max_length=1000, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    trashed_at = models.DateTimeField(null=True)
    # It went to the trash with its collection, and comes back with it.
    is_trashed_with_collection = models.BooleanField(default=False)

    objects = DocumentQuerySet.as_manager()

    class Meta:
        ordering = ("title",)
        default_permissions = ()
        indexes = [
            models.Index(fields=("collection", "state"), name="document_collection"),
            models.Index(
                fields=("collection", "source_path"),
                condition=~Q(source_path=""),
                name="document_source_path",
            ),
            GinIndex(fields=("labels",), name="document_labels"),
            models.Index(
                fields=("expires_on",),
                condition=Q(expires_on__isnull=False),
                name="document_expires",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """The document's page in the console."""
        return reverse("knowledge:document", args=[self.pk])
