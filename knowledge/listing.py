"""The rows of the documents list, and the stages of one version, ready for a page.

Reads only; knows no request.
"""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, OuterRef, Prefetch, Q, QuerySet, Subquery

from knowledge.forms import DocumentFilterForm
from knowledge.models import Document, DocumentVersion

Status = DocumentVersion.Status
STAGES = (
    (Status.EXTRACTING, "Read the file"),
    (Status.CHUNKING, "Cut into passages"),
    (Status.EMBEDDING, "Embed"),
    (Status.INDEXING, "Make searchable"),
)


@dataclass(frozen=True)
class Stage:
    """One step on the timeline."""

    name: str
    state: str
    seconds: float | None


def documents_for(user: Any, filters: DocumentFilterForm) -> QuerySet[Document]:
    """Active documents that the person manages, newest upload first, with their versions."""
    latest = DocumentVersion.objects.filter(document=OuterRef("pk")).order_by("-number")
    documents = (
        Document.objects.manageable_by(user)
        .filter(state=Document.State.ACTIVE)
        .annotate(
            latest_status=Subquery(latest.values("status")[:1]),
            latest_upload=Subquery(latest.values("uploaded_at")[:1]),
        )
        .select_related("collection")
        .prefetch_related(
            Prefetch("versions", DocumentVersion.objects.order_by("-number"), "all_versions")
        )
        .order_by("-latest_upload", "title")
    )
    return _filtered(documents, filters)


def _filtered(documents: QuerySet[Document], filters: DocumentFilterForm) -> QuerySet[Document]:
    """By words of the title, collection and state; filters that can't be read don't filter."""
    if not filters.is_valid():
        return documents
    chosen = filters.cleaned_data
    for word in chosen["q"].split():
        documents = documents.filter(title__icontains=word)
    if chosen["collection"]:
        documents = documents.filter(collection=chosen["collection"])
    if statuses := filters.statuses():
        return documents.filter(Q(latest_status__in=statuses))
    return documents


def counts(documents: QuerySet[Document]) -> dict[str, int]:
    """How many are ready, under way and failed."""
    return documents.aggregate(
        all=Count("pk", distinct=True),
        ready=Count("pk", Q(latest_status=Status.READY)),
        unfinished=Count("pk", Q(latest_status__in=DocumentVersion.UNFINISHED)),
        failed=Count("pk", Q(latest_status=Status.FAILED)),
    )


def stages_of(version: DocumentVersion) -> list[Stage]:
    """The way of a version: what is done, what goes on, what is left."""
    names = [status for status, _name in STAGES]
    is_over = version.status in (Status.READY, Status.SUPERSEDED)
    stages = []
    for status, name in STAGES:
        seconds = version.timings.get(status)
        if version.status == status:
            state = "busy"
        elif is_over:
            state = "done"
        elif seconds is None:
            state = "waiting"
        else:
            is_last = status == max(version.timings, key=lambda key: names.index(key))
            state = "failed" if is_last and version.status == Status.FAILED else "done"
        stages.append(Stage(name, state, seconds))
    return stages
