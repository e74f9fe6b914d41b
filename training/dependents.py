"""What of the datasets comes from a document or a collection; asked before it goes."""

from collections.abc import Iterator

from django.db.models import QuerySet

from knowledge.models import Collection, Document
from knowledge.purging import Dependent
from training.lineage import adapters_of, made_of


def of_document(document: Document) -> Iterator[Dependent]:
    """Datasets with examples of it, and the adapters that learned from them."""
    yield from _dependents(Document.objects.filter(pk=document.pk))


def of_collection(collection: Collection) -> Iterator[Dependent]:
    """The same for all documents of a collection."""
    yield from _dependents(Document.objects.filter(collection=collection))


def _dependents(documents: QuerySet[Document]) -> Iterator[Dependent]:
    datasets = made_of(documents)
    kept = "Their examples stay, and their pages say that the source is gone."
    yield Dependent(datasets.count(), "datasets with examples from it", kept)
    learned = "What they learned stays in them; their pages say that the source is gone."
    yield Dependent(adapters_of(datasets).count(), "adapters that learned from these", learned)
