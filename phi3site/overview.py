"""What needs a person now, gathered from all apps for the console's first page."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, Q
from django.utils import timezone

from chat.models import Answer, Citation, Feedback
from knowledge.models import Document, DocumentVersion
from training.models import Run

NEWEST = 6
WINDOW = timedelta(days=7)


@dataclass(frozen=True)
class Overview:
    """Lists are short and newest first; what a person may not see is empty."""

    failed_documents: list[DocumentVersion]
    documents_under_way: int
    documents_ready: int
    runs: list[Run]
    complaints: list[Feedback]
    answers: dict[str, int]

    @property
    def needs_attention(self) -> bool:
        """Whether anything waits for a decision."""
        failed_runs = any(run.status == Run.Status.FAILED for run in self.runs)
        return bool(self.failed_documents or failed_runs or self.complaints)


def overview_for(user: Any) -> Overview:
    """The overview of what this person manages, over the last seven days."""
    since = timezone.now() - WINDOW
    versions = DocumentVersion.objects.manageable_by(user).filter(
        document__state=Document.State.ACTIVE
    )
    is_trainer = user.has_perm("training.manage_training")
    is_manager = user.has_perm("chat.manage_experts")
    return Overview(
        failed_documents=list(_failed(versions)[:NEWEST]),
        documents_under_way=versions.unfinished().count(),
        documents_ready=versions.ready().count(),
        runs=list(Run.objects.filter(created_at__gte=since)[:NEWEST]) if is_trainer else [],
        complaints=list(_complaints(since)[:NEWEST]) if is_manager else [],
        answers=_answers(since) if is_manager else {},
    )


def _failed(versions: Any) -> Any:
    failed = versions.filter(status=DocumentVersion.Status.FAILED)
    return failed.select_related("document__collection").order_by("-uploaded_at")


def _complaints(since: Any) -> Any:
    """Thumbs down with the expert that earned them; texts stay with the asker and the auditor."""
    down = Feedback.objects.filter(thumb=Feedback.Thumb.DOWN, created_at__gte=since)
    return down.select_related("answer__expert_version__expert").order_by("-created_at")


def _answers(since: Any) -> dict[str, int]:
    counts = Answer.objects.filter(created_at__gte=since).aggregate(
        asked=Count("id"),
        abstained=Count("id", filter=Q(is_abstention=True)),
        failed=Count("id", filter=Q(status=Answer.Status.FAILED)),
    )
    unsupported = Citation.objects.filter(
        answer__created_at__gte=since, verdict=Citation.Verdict.UNSUPPORTED
    )
    return {**counts, "unsupported_sentences": unsupported.count()}
