"""What of experts and conversations rests on a document or a collection; asked before it goes."""

from collections.abc import Iterator

from chat.models import Adapter, Answer, Expert, ExpertVersion, Passage
from knowledge.models import Collection, Document
from knowledge.purging import Dependent


def of_document(document: Document) -> Iterator[Dependent]:
    """Answers that quote it, in how many conversations."""
    quoted = Passage.objects.filter(document_id=document.pk, is_used=True)
    answers = Answer.objects.filter(passages__in=quoted).distinct()
    conversations = answers.values("question__conversation").distinct().count()
    kept = "They keep the words that they quote; the original can't be opened any more."
    yield Dependent(answers.count(), "answers that cite it", kept)
    yield Dependent(conversations, "conversations with such answers", "Nothing in them changes.")


def of_collection(collection: Collection) -> Iterator[Dependent]:
    """Experts that look things up in it, answers that quote it, adapters that learned from it."""
    versions = ExpertVersion.objects.filter(collections=collection)
    live = Expert.objects.filter(live_version__in=versions, is_archived=False)
    quoted = Passage.objects.filter(collection_id=collection.pk, is_used=True)
    answers = Answer.objects.filter(passages__in=quoted).distinct().count()
    adapters = Adapter.objects.filter(collections=collection).count()
    less = "They go on without it; one that has no other collection refuses questions."
    kept = "They keep the words that they quote, for those who might read the collection."
    yield Dependent(live.count(), "experts that answer from it", less)
    yield Dependent(
        versions.count(), "versions of experts that name it", "They show it as deleted."
    )
    yield Dependent(answers, "answers that cite it", kept)
    yield Dependent(
        adapters, "adapters that were trained on it", "What they learned stays in them."
    )
