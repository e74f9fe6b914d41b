"""The rows of the documents list, and the stages of one version, ready for a page.

Reads only; knows no request.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, F, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.utils import timezone

from knowledge.comparing import Change, blocks_of, compare
from knowledge.forms import DocumentFilterForm
from knowledge.models import ArchiveImport, Chunk, Document, DocumentVersion

Status = DocumentVersion.Status
# Sort key, name, and whether it is a figure, from left to right.
COLUMNS = (
    ("title", "Document", False),
    ("status", "State", False),
    ("collection", "Collection", False),
    ("review", "Review by", False),
    ("size", "Size", True),
    ("uploaded", "Uploaded", False),
)
# Which are most useful from the large end.
DOWN_FIRST = ("size", "uploaded")
SOON = timedelta(days=30)
# Zips that are finished stand above the list for so long.
LATELY, ARCHIVES_SHOWN = timedelta(hours=1), 5
# Of a text that is compared; a comparison takes about a second then.
MOST_BLOCKS = 20_000
STAGES = (
    (Status.QUEUED, "Wait"),
    (Status.EXTRACTING, "Read the file"),
    (Status.CHUNKING, "Cut into passages"),
    (Status.EMBEDDING, "Embed"),
    (Status.INDEXING, "Make searchable"),
)


@dataclass(frozen=True)
class Column:
    """The head of a column: how the list is sorted by it now, and what a click asks for."""

    name: str
    is_figure: bool
    order: str
    next: str


@dataclass(frozen=True)
class Stage:
    """One step on the timeline."""

    name: str
    state: str
    seconds: float | None
    # What it made, such as "12 pages".
    count: str = ""


def documents_for(user: Any, filters: DocumentFilterForm) -> QuerySet[Document]:
    """Documents that the person manages, newest upload first, with their versions."""
    state = Document.State.TRASHED if filters.is_trash else Document.State.ACTIVE
    latest = DocumentVersion.objects.filter(document=OuterRef("pk")).order_by("-number")
    documents = (
        Document.objects.manageable_by(user)
        .filter(state=state)
        .annotate(
            latest_status=Subquery(latest.values("status")[:1]),
            latest_upload=Subquery(latest.values("uploaded_at")[:1]),
            latest_size=Subquery(latest.values("size")[:1]),
            latest_from=Subquery(latest.values("effective_from")[:1]),
        )
        .select_related("collection", "owner")
        .prefetch_related(
            Prefetch("versions", DocumentVersion.objects.order_by("-number"), "all_versions")
        )
    )
    return _sorted(_filtered(documents, filters), filters)


def _filtered(documents: QuerySet[Any], filters: DocumentFilterForm) -> QuerySet[Any]:
    """By what was typed and chosen; a filter that can't be read doesn't filter."""
    filters.is_valid()
    chosen = filters.cleaned_data
    for word in chosen.get("q", "").split():
        documents = documents.filter(title__icontains=word)
    if chosen.get("collection"):
        documents = documents.filter(collection=chosen["collection"])
    if chosen.get("owner"):
        documents = documents.filter(owner=chosen["owner"])
    if chosen.get("label"):
        documents = documents.filter(labels__contains=[chosen["label"]])
    if statuses := filters.statuses():
        documents = documents.filter(latest_status__in=statuses)
    return documents.filter(_by_day(chosen.get("review", "")))


def _by_day(review: str) -> Q:
    """What the choice of days means today."""
    today = timezone.localdate()
    return {
        "due": Q(review_by__lte=today),
        "soon": Q(review_by__lte=today + SOON),
        "expired": Q(expires_on__lt=today),
        "later": Q(latest_from__gt=today),
    }.get(review, Q())


_FIELDS = {
    "title": "title",
    "status": "latest_status",
    "collection": "collection__name",
    "uploaded": "latest_upload",
    "size": "latest_size",
    "review": "review_by",
}


def _sorted(documents: QuerySet[Document], filters: DocumentFilterForm) -> QuerySet[Document]:
    """By the chosen column; what has no value there comes last."""
    wanted = filters.cleaned_data.get("sort") or "-uploaded"
    column = F(_FIELDS[wanted.lstrip("-")])
    down = wanted.startswith("-")
    order = column.desc(nulls_last=True) if down else column.asc(nulls_last=True)
    return documents.order_by(order, "title", "pk")


def archives_for(user: Any) -> QuerySet[ArchiveImport]:
    """Zips that the person may follow: those under way, and those of the last hour."""
    is_new = Q(finished_at__gt=timezone.now() - LATELY)
    wanted = ArchiveImport.objects.visible_to(user).filter(
        Q(status__in=ArchiveImport.UNFINISHED) | is_new
    )
    refused = Count("entries", Q(entries__outcome="refused"))
    return wanted.annotate(taken=Count("entries"), refused=refused)[:ARCHIVES_SHOWN]


def columns_for(filters: DocumentFilterForm) -> list[Column]:
    """The heads of the list; a click on the sorted one turns it round."""
    now = filters.cleaned_data.get("sort") or "-uploaded"
    columns = []
    for key, name, is_figure in COLUMNS:
        order = {key: "ascending", f"-{key}": "descending"}.get(now, "")
        turned = {"ascending": f"-{key}", "descending": key}
        first = f"-{key}" if key in DOWN_FIRST else key
        columns.append(Column(name, is_figure, order, turned.get(order, first)))
    return columns


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
    present = version.shown_status
    is_over = present in (Status.READY, Status.SUPERSEDED)
    last = [status for status, _name in STAGES if status in version.timings][-1:]
    stages = []
    for status, name in STAGES:
        seconds = version.timings.get(status)
        if present == status:
            state = "busy"
        elif present == Status.FAILED and [status] == last:
            state = "failed"
        else:
            is_done = present != Status.QUEUED and seconds is not None
            state = "done" if is_over or is_done else "waiting"
        stages.append(Stage(name, state, seconds, _made(version, status)))
    return stages


def _made(version: DocumentVersion, status: str) -> str:
    """What a stage has made so far, in words."""
    if status == Status.EXTRACTING and version.page_count:
        return _counted(version.page_count, "page")
    if status == Status.CHUNKING and version.chunk_count:
        return _counted(version.chunk_count, "passage")
    if status == Status.EMBEDDING and version.progress:
        return f"{version.progress:,} of {version.chunk_count:,}"
    return ""


def _counted(count: int, thing: str) -> str:
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


def pair_of(
    document: Document, before: int | None, after: int | None
) -> tuple[DocumentVersion, DocumentVersion]:
    """The versions of these numbers; by default the newest and the one before the newer one."""
    by_number = {version.number: version for version in document.versions.order_by("-number")}
    newer = by_number.get(after or 0) or next(iter(by_number.values()))
    older = (version for number, version in by_number.items() if number < newer.number)
    return by_number.get(before or 0) or next(older, newer), newer


def changes_between(before: DocumentVersion, after: DocumentVersion) -> list[Change]:
    """What changed in the texts of two versions; of very long ones, in their first blocks."""
    texts = []
    for version in (before, after):
        # A summary repeats what stands in other passages.
        chunks = version.chunks.exclude(kind=Chunk.Kind.SUMMARY).order_by("ordinal")
        texts.append(blocks_of(list(chunks.values_list("text", flat=True))))
    return compare(*(text[:MOST_BLOCKS] for text in texts))
