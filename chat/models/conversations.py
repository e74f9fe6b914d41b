"""What a person asked, one question after another."""

import uuid
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.urls import reverse

from knowledge.models import Collection


class ConversationQuerySet(models.QuerySet["Conversation"]):
    """Conversations by owner."""

    def visible_to(self, user: Any) -> "ConversationQuerySet":
        """One's own, without deleted ones."""
        return self.filter(owner_id=user.pk, deleted_at__isnull=True)


class Conversation(models.Model):
    """What one person asked, one question after another."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="conversations"
    )
    title = models.CharField(max_length=200, blank=True)
    # The version that answers here whatever is live: its makers try it out.
    trial = models.ForeignKey(
        "ExpertVersion", null=True, blank=True, on_delete=models.PROTECT, related_name="trials"
    )
    # The answer at the end of the branch that is shown and gone on with; see chat.branches.
    shown = models.ForeignKey(
        "Answer", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    # The private collection of the files that were attached here; see chat.attachments.
    files = models.ForeignKey(
        Collection, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    is_pinned = models.BooleanField(default=False)
    # Few words of the owner's own, to filter by.
    labels = ArrayField(models.CharField(max_length=30), default=list, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = ConversationQuerySet.as_manager()

    class Meta:
        ordering = ("-updated_at",)
        default_permissions = ()
        permissions = (
            ("ask", "May ask experts"),
            ("trace_answers", "May read every answer's receipt"),
        )
        indexes = [models.Index(fields=("owner", "-updated_at"), name="conversation_owner")]

    def __str__(self) -> str:
        return self.title or str(self.pk)

    def get_absolute_url(self) -> str:
        """The conversation's page."""
        return reverse("chat:conversation", args=[self.pk])


class Question(models.Model):
    """What a person asked. The client's own id makes a resend the same question."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="questions"
    )
    client_id = models.UUIDField()
    asker = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    text = models.TextField()
    # The answer that it follows, so that edits make branches.
    after = models.ForeignKey(
        "Answer", null=True, blank=True, on_delete=models.SET_NULL, related_name="follow_ups"
    )
    asked_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("asked_at", "id")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=("asker", "client_id"), name="question_once")]
        indexes = [GinIndex(SearchVector("text", config="simple"), name="question_words")]

    def __str__(self) -> str:
        return self.text[:60]


class ShareQuerySet(models.QuerySet["Share"]):
    """Shares by owner and by what may still be read."""

    def of(self, user: Any) -> "ShareQuerySet":
        """Those that a person has made and not taken back."""
        mine = Conversation.objects.visible_to(user)
        return self.filter(conversation__in=mine, revoked_at__isnull=True)

    def readable(self) -> "ShareQuerySet":
        """Those that anybody who may ask here can open."""
        return self.filter(
            revoked_at__isnull=True,
            conversation__deleted_at__isnull=True,
            conversation__owner__is_active=True,
        )


class Share(models.Model):
    """A branch of a conversation as it stood, for colleagues to read.

    Holds the answers' ids: finished answers never change, and what they rest on is asked about
    anew for every reader.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="shares")
    title = models.CharField(max_length=200)
    answers = ArrayField(models.UUIDField())
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ShareQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at",)
        default_permissions = ()

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """What a colleague opens."""
        return reverse("chat:shared", args=[self.pk])
