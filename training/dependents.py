"""What of the datasets comes from a document; asked before it is removed for good."""

from collections.abc import Iterator

from knowledge.models import Document
from knowledge.purging import Dependent
from training.models import Dataset


def of_document(document: Document) -> Iterator[Dependent]:
    """Datasets with examples that name it as their source, by title or file name."""
    names = [document.title, *document.versions.values_list("filename", flat=True)]
    datasets = Dataset.objects.filter(examples__source__in=names).distinct()
    kept = "Their examples stay; remove those that must not be learned from any more."
    yield Dependent(datasets.count(), "datasets with examples from it", kept)
