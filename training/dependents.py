"""What of the datasets comes from a document or a collection; asked before it goes."""

from collections.abc import Iterator

from django.db.models import Q, QuerySet

from knowledge.models import Collection, Document, DocumentVersion
from knowledge.purging import Dependent
from training.models import Dataset


def of_document(document: Document) -> Iterator[Dependent]:
    """Datasets with examples that name it as their source, by title or file name."""
    yield _datasets(Document.objects.filter(pk=document.pk))


def of_collection(collection: Collection) -> Iterator[Dependent]:
    """The same for all documents of a collection."""
    yield _datasets(Document.objects.filter(collection=collection))


def _datasets(documents: QuerySet[Document]) -> Dependent:
    versions = DocumentVersion.objects.filter(document__in=documents)
    named = Q(examples__source__in=documents.values("title"))
    named |= Q(examples__source__in=versions.values("filename"))
    kept = "Their examples stay; remove those that must not be learned from any more."
    count = Dataset.objects.filter(named).distinct().count()
    return Dependent(count, "datasets with examples from it", kept)
