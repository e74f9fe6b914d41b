"""An answer, what it rests on, its receipt, and what the asker thought of it."""

import uuid
from typing import Any

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.db.models import Q

from chat.models.conversations import Conversation, Question
from chat.models.experts import ExpertVersion


class AnswerQuerySet(models.QuerySet["Answer"]):
    """Answers by state and rights."""

    def visible_to(self, user: Any) -> "AnswerQuerySet":
        """Answers in one's own conversations."""
        return self.filter(question__conversation__in=Conversation.objects.visible_to(user))

    def unfinished(self) -> "AnswerQuerySet":
        """Queued or running."""
        return self.filter(status__in=(Answer.Status.QUEUED, Answer.Status.RUNNING))

    def finished(self) -> "AnswerQuerySet":
        """Those that nothing will change any more."""
        return self.exclude(status__in=(Answer.Status.QUEUED, Answer.Status.RUNNING))


class Answer(models.Model):
    """One answer to a question: several when it was asked again."""

    class Status(models.TextChoices):
        """Changed by compare-and-set only."""

        QUEUED = "queued"
        RUNNING = "running"
        COMPLETE = "complete"
        STOPPED = "stopped"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="answers")
    expert_version = models.ForeignKey(
        ExpertVersion, on_delete=models.PROTECT, related_name="answers"
    )
    # The answer, cut off by its length, whose text it begins with and goes on from.
    continues = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="+")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    # Fence and lease: a worker writes only while its attempt is current; an expired lease is free.
    attempt = models.PositiveIntegerField(default=0)
    # How often a worker died while it held the answer; the second time ends it.
    crashes = models.PositiveIntegerField(default=0)
    worker = models.CharField(max_length=100, blank=True)
    lease_until = models.DateTimeField(null=True)
    stop_requested = models.BooleanField(default=False)
    text = models.TextField(blank=True)
    # True when nothing relevant was found, and the expert says so.
    is_abstention = models.BooleanField(default=False)
    error_code = models.CharField(max_length=60, blank=True)
    error = models.TextField(blank=True)
    stop_reason = models.CharField(max_length=20, blank=True)
    # Seconds: {"waited": 0.1, "retrieved": 0.2, "first_token": 0.5, "generated": 3.1, …}.
    timings = models.JSONField(default=dict)
    prompt_tokens = models.PositiveIntegerField(default=0)
    answer_tokens = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = AnswerQuerySet.as_manager()

    class Meta:
        ordering = ("created_at",)
        default_permissions = ()
        indexes = [
            models.Index(
                fields=("lease_until",),
                condition=Q(status__in=("queued", "running")),
                name="answer_unfinished",
            ),
            models.Index(fields=("-created_at",), name="answer_created"),
            GinIndex(SearchVector("text", config="simple"), name="answer_words"),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def feedback_reasons(self) -> list[tuple[str, str]]:
        """What a thumb down may say."""
        return Feedback.Reason.choices

    @property
    def is_finished(self) -> bool:
        """Whether it has reached its end."""
        return self.status not in (self.Status.QUEUED, self.Status.RUNNING)

    @property
    def is_verbatim(self) -> bool:
        """Whether it says what stands in the documents, and no model's words."""
        return self.stop_reason == "computed" or self.is_quoted

    @property
    def is_quoted(self) -> bool:
        """Whether it is made of the documents' sentences alone."""
        return self.stop_reason == "quoted"


class Passage(models.Model):
    """A frozen copy of what was retrieved for an answer; it outlives the chunk."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    answer = models.ForeignKey(Answer, on_delete=models.CASCADE, related_name="passages")
    # The number in the text: [1], [2] …
    marker = models.PositiveIntegerField()
    # Ids without foreign keys: the chunk may be gone, the passage stays.
    chunk_id = models.UUIDField()
    version_id = models.UUIDField()
    document_id = models.UUIDField()
    collection_id = models.UUIDField()
    text = models.TextField()
    sha256 = models.CharField(max_length=64)
    kind = models.CharField(max_length=10)
    document_title = models.CharField(max_length=300)
    version_number = models.PositiveIntegerField()
    file_sha256 = models.CharField(max_length=64)
    media_type = models.CharField(max_length=100)
    headings = models.JSONField(default=list)
    page = models.PositiveIntegerField(null=True)
    row_from = models.PositiveIntegerField(null=True)
    row_to = models.PositiveIntegerField(null=True)
    boxes = models.JSONField(default=list)
    # {"dense": {"rank": 1, "score": .7}, "keyword": {…}, "fused": {…}, "reranked": {…}}
    scores = models.JSONField(default=dict)
    # How it was computed from a table (knowledge.passages.Computation); null for found passages.
    computation = models.JSONField(null=True)
    # Whether it stood in the prompt.
    is_used = models.BooleanField(default=True)
    # Characters of the text that best answer the question, in one passage of the answer at most.
    key_start = models.PositiveIntegerField(null=True)
    key_end = models.PositiveIntegerField(null=True)

    # Whether its version no longer answers today; set where passages are read for people.
    is_outdated = False

    class Meta:
        ordering = ("answer", "marker")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=("answer", "marker"), name="passage_marker")]
        indexes = [
            models.Index(fields=("chunk_id",), name="passage_chunk"),
            models.Index(fields=("document_id",), name="passage_document"),
        ]

    def __str__(self) -> str:
        return f"[{self.marker}] {self.document_title}"

    @property
    def key_words(self) -> str:
        """The sentence that best answers the question, if it stands here."""
        return self.text[self.key_start : self.key_end] if self.key_end else ""


class Citation(models.Model):
    """A span of an answer and the passage that it rests on, or none."""

    class Verdict(models.TextChoices):
        SUPPORTED = "supported"
        WEAK = "weak"
        UNSUPPORTED = "unsupported"

    answer = models.ForeignKey(Answer, on_delete=models.CASCADE, related_name="citations")
    # Characters of the answer's text, end excluded.
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    passage = models.ForeignKey(
        Passage, null=True, on_delete=models.CASCADE, related_name="citations"
    )
    support = models.FloatField(default=0.0)
    verdict = models.CharField(max_length=12, choices=Verdict.choices)
    # The best matching span of the passage's text, end excluded.
    passage_start = models.PositiveIntegerField(null=True)
    passage_end = models.PositiveIntegerField(null=True)

    class Meta:
        ordering = ("answer", "start")
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.answer_id} {self.start}-{self.end} {self.verdict}"


class Receipt(models.Model):
    """All that explains and replays an answer, in canonical JSON; its hash is in the audit log."""

    answer = models.OneToOneField(Answer, on_delete=models.CASCADE, related_name="receipt")
    body = models.TextField()
    sha256 = models.CharField(max_length=64)
    # The event that carries the hash.
    audit_seq = models.BigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.answer_id} {self.sha256[:12]}"


class Feedback(models.Model):
    """What the asker thought of an answer."""

    class Thumb(models.TextChoices):
        UP = "up"
        DOWN = "down"

    class Reason(models.TextChoices):
        """What was wrong, most often."""

        WRONG = "wrong", "It is not true"
        INCOMPLETE = "incomplete", "Something is missing"
        SOURCE = "source", "The source says something else"
        OUTDATED = "outdated", "It is out of date"
        OFF_TOPIC = "off_topic", "It does not answer the question"
        UNCLEAR = "unclear", "It is hard to understand"

    answer = models.OneToOneField(Answer, on_delete=models.CASCADE, related_name="feedback")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    thumb = models.CharField(max_length=4, choices=Thumb.choices)
    reason = models.CharField(max_length=12, choices=Reason.choices, blank=True)
    comment = models.TextField(blank=True)
    corrected_answer = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.answer_id} {self.thumb}"
