"""What a dataset was made of, and what became of that: deleted sources flag it and its adapters.

Reads rows only. A source is known by the ids that examples keep, so that it is told even when its
document is gone.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from chat.models import Adapter
from knowledge.models import Collection, Document, DocumentVersion
from training.models import Dataset, Example, Run


@dataclass(frozen=True)
class Source:
    """A document that examples were made of."""

    document: str
    title: str
    examples: int
    # "current", "outdated" (there is a newer version), "deleted" or "removed".
    state: str

    @property
    def is_gone(self) -> bool:
        """Whether nothing should be learned of it any more."""
        return self.state in ("deleted", "removed")


def sources_of(dataset: Dataset) -> list[Source]:
    """Every document that accepted or waiting examples were made of, the gone ones first."""
    counted: Counter[tuple[str, str]] = Counter()
    kept = dataset.examples.exclude(state=Example.State.REJECTED).exclude(origin={})
    for origin in kept.values_list("origin", flat=True):
        if "document" in origin:
            counted[origin["document"], origin["version"]] += 1
        for document in origin.get("documents", ()):
            counted[document, ""] += 1
    documents = Document.objects.in_bulk([UUID(document) for document, _version in counted])
    titles = _titles(dataset)
    found = [
        _source(document, version, count, documents.get(UUID(document)), titles)
        for (document, version), count in counted.items()
    ]
    return sorted(found, key=lambda source: (not source.is_gone, source.title))


def gone_collections(dataset: Dataset) -> list[Collection]:
    """Collections whose words it holds and that somebody deleted."""
    return list(dataset.collections.exclude(state=Collection.State.ACTIVE))


def of_adapter(adapter: Adapter) -> dict[str, Any]:
    """For an adapter's page: the dataset that it learned from, and what of that is gone."""
    runs = Run.objects.select_related("dataset")
    run = runs.filter(pk=adapter.run_id).first() if adapter.run_id else None
    if run is None:
        return {}
    gone = [source.title for source in sources_of(run.dataset) if source.is_gone]
    gone += [collection.name for collection in gone_collections(run.dataset)]
    return {"dataset": run.dataset, "gone": gone}


def made_of(documents: QuerySet[Document]) -> QuerySet[Dataset]:
    """Datasets with examples that were made of these documents or name them as their source."""
    ids = [str(pk) for pk in documents.values_list("pk", flat=True)]
    versions = DocumentVersion.objects.filter(document__in=documents)
    named = Q(examples__source__in=documents.values("title"))
    named |= Q(examples__source__in=versions.values("filename"))
    named |= Q(examples__origin__document__in=ids)
    for pk in ids[:100]:
        named |= Q(examples__origin__documents__contains=[pk])
    return Dataset.objects.filter(named).distinct()


def adapters_of(datasets: QuerySet[Dataset]) -> QuerySet[Adapter]:
    """Adapters that learned from one of the datasets."""
    return Adapter.objects.filter(run_id__in=Run.objects.filter(dataset__in=datasets).values("pk"))


def _titles(dataset: Dataset) -> dict[str, str]:
    """Titles as they were when the examples were made."""
    origins = dataset.examples.filter(origin__has_key="title").values_list("origin", flat=True)
    return {origin["document"]: origin["title"] for origin in origins}


def _source(
    document: str, version: str, count: int, found: Document | None, titles: dict[str, str]
) -> Source:
    title = found.title if found else titles.get(document, "a document")
    if found is None or found.state == Document.State.PURGED:
        return Source(document, title, count, "removed")
    if found.state == Document.State.TRASHED:
        return Source(document, title, count, "deleted")
    newer = DocumentVersion.objects.filter(
        document=found, status=DocumentVersion.Status.READY
    ).order_by("-number")
    latest = newer.values_list("pk", flat=True).first()
    is_current = not version or latest is None or str(latest) == version
    return Source(document, title, count, "current" if is_current else "outdated")
