"""What of the conversations rests on a document; asked before it is removed for good."""

from collections.abc import Iterator

from chat.models import Answer, Passage
from knowledge.models import Document
from knowledge.purging import Dependent


def of_document(document: Document) -> Iterator[Dependent]:
    """Answers that quote it, in how many conversations."""
    quoted = Passage.objects.filter(document_id=document.pk, is_used=True)
    answers = Answer.objects.filter(passages__in=quoted).distinct()
    conversations = answers.values("question__conversation").distinct().count()
    kept = "They keep the words that they quote; the original can't be opened any more."
    yield Dependent(answers.count(), "answers that cite it", kept)
    yield Dependent(conversations, "conversations with such answers", "Nothing in them changes.")
