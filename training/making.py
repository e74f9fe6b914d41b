"""★ Documents become a dataset: questions of their passages, each among others that search finds.

The request is a row and a job; the job makes all examples and stores them at once, each with its
sources, for people to review. Trains nothing. Every example holds words of one collection only.
"""

import hashlib
import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID

from django.db import transaction

from chat.prompts import PromptPassage, build_messages
from knowledge.errors import KnowledgeError
from knowledge.models import Chunk, Collection, Document
from knowledge.passages import FoundPassage
from phi3site.audit.recording import record
from phi3site.jobs import TRAINING, enqueue
from training.counting import base_codec
from training.datasets import count_tokens, describe_tokens, hash_turns, store
from training.errors import DatasetRefused
from training.findings import AT_ONCE, look_through
from training.languages import tell_languages
from training.models import Dataset, Example
from training.questions import Candidate, questions_from
from training.reading import Row
from training.reviewing import recount
from training.splits import choose_eval
from training.tokens import Turn

TASK, TIMEOUT = "training.tasks.make_dataset", 6 * 3600
MAX_CHUNKS, MAX_EXAMPLES = 20_000, 5_000
ABSTENTIONS = {
    "English": "I found nothing about this in the documents.",
    "German": "Dazu habe ich in den Dokumenten nichts gefunden.",
}
# Examples between two notes of how far it is.
NOTED = 20

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Asked:
    """A question with the chunk that answers it."""

    candidate: Candidate
    chunk: Chunk
    language: str

    @property
    def number(self) -> int:
        """Decides order and chance, always alike."""
        return int(hashlib.sha256(self.candidate.question.encode()).hexdigest()[:12], 16)


def request_dataset(
    name: str,
    *,
    collections: Iterable[Collection],
    documents: Iterable[Document] = (),
    limit: int = 300,
    distractors: int = 3,
    unanswerable: int = 15,
    actor: Any,
) -> Dataset:
    """A dataset to be made: at most `limit` questions, and `unanswerable` percent of them again
    with passages that don't answer. Raises DatasetRefused for what the person may not manage."""
    chosen, narrowed = list(collections), list(documents)
    allowed = Collection.objects.manageable_by(actor).filter(pk__in=[one.pk for one in chosen])
    if not chosen or allowed.count() != len(chosen):
        raise DatasetRefused("Choose collections that you manage.")
    wanted = {
        "collections": [str(one.pk) for one in chosen],
        "documents": [str(one.pk) for one in narrowed],
        "limit": limit,
        "distractors": distractors,
        "unanswerable": unanswerable,
    }
    dataset = Dataset(
        name=name.strip(),
        origin=Dataset.Origin.DOCUMENTS,
        status=Dataset.Status.MAKING,
        made_from=wanted,
        report=empty_report(),
        created_by=actor,
    )
    with transaction.atomic():
        store(dataset, [], actor, action="dataset.requested", details={"made_from": wanted})
        dataset.collections.set(chosen)
        queue_making(dataset)
    return dataset


def empty_report() -> dict[str, Any]:
    """A report of a dataset that was not uploaded, before it holds anything."""
    zero = ("lines", "examples", "train", "eval", "sources", "error_count", "duplicate_count")
    empty: dict[str, Any] = {"errors": [], "duplicates": [], "unused_keys": {}, "tokens": {}}
    return {"unit": "example", **dict.fromkeys(zero, 0), **empty}


def queue_making(dataset: Dataset) -> None:
    """A job for it, if none waits already."""
    enqueue(TASK, str(dataset.pk), queue=TRAINING, job_id=f"make-{dataset.pk}", timeout=TIMEOUT)


def requeue_makings() -> None:
    """Jobs for all that a dead worker or an emptied queue left."""
    for dataset in Dataset.objects.filter(status=Dataset.Status.MAKING):
        queue_making(dataset)


def make_dataset(dataset_id: UUID) -> bool:
    """Makes what was requested; says whether there was anything to do. Safe to run twice."""
    making = Dataset.objects.filter(pk=dataset_id, status=Dataset.Status.MAKING)
    dataset = making.select_related("created_by").first()
    if dataset is None:
        return False
    try:
        asked, left_out = _choose(dataset)
        examples = _examples(dataset, asked)
        if not examples:
            raise DatasetRefused("Nothing in these documents could be asked by rule.")
        _keep(dataset, examples, left_out)
    except (DatasetRefused, KnowledgeError) as error:
        making.update(status=Dataset.Status.FAILED, error=error.message)
        record("dataset.failed", target=dataset, details={"code": error.code})
    return True


def _choose(dataset: Dataset) -> tuple[list[Asked], dict[str, int]]:
    """Questions by chance, the same each time; those with two answers are left out and counted."""
    chunks = list(_chunks(dataset))
    languages = tell_languages([chunk.text for chunk in chunks])
    found: dict[str, list[Asked]] = {}
    begun: set[tuple[Any, ...]] = set()
    for chunk, language in zip(chunks, languages, strict=True):
        # What stands below a heading first is what it is about.
        place = (chunk.version_id, *chunk.headings)
        headings = () if place in begun else chunk.headings
        begun.add(place)
        title = chunk.version.document.title
        for one in questions_from(chunk.text, title=title, headings=headings, language=language):
            found.setdefault(one.question, []).append(Asked(one, chunk, language))
    sure = [same[0] for same in found.values() if len({one.candidate.answer for one in same}) == 1]
    sure.sort(key=lambda one: one.number)
    limit = int(dataset.made_from["limit"])
    left_out = {"ambiguous": len(found) - len(sure), "beyond_limit": max(0, len(sure) - limit)}
    return sure[:limit], left_out


def _chunks(dataset: Dataset) -> Iterable[Chunk]:
    """Of what the person who asked for it manages today."""
    actor, wanted = dataset.created_by, dataset.made_from
    if actor is None:
        raise DatasetRefused("The person who asked for it is gone. Ask for it again.")
    collections = Collection.objects.manageable_by(actor).filter(pk__in=wanted["collections"])
    kinds = (Chunk.Kind.TEXT, Chunk.Kind.TABLE, Chunk.Kind.ROW, Chunk.Kind.ROWS)
    rows = Chunk.objects.filter(
        is_live=True, is_enabled=True, collection__in=collections, kind__in=kinds
    )
    if wanted["documents"]:
        rows = rows.filter(version__document__in=wanted["documents"])
    return rows.select_related("version__document").order_by("version", "ordinal")[:MAX_CHUNKS]


def _examples(dataset: Dataset, asked: Sequence[Asked]) -> list[Example]:
    share = int(dataset.made_from["unanswerable"])
    again = list(reversed(asked))[: len(asked) * share // 100]
    total, examples = len(asked) + len(again), list[Example]()
    for done, one in enumerate((*asked, *again), start=1):
        made = _answered(dataset, one) if done <= len(asked) else _unanswered(dataset, one)
        if made:
            examples.append(made)
        if done % NOTED == 0 or done == total:
            dataset.made_from |= {"done": done, "total": total}
            Dataset.objects.filter(pk=dataset.pk).update(made_from=dataset.made_from)
    return examples


def _answered(dataset: Dataset, one: Asked) -> Example:
    """The passage among others that search finds for the question and that don't answer it."""
    count = int(dataset.made_from["distractors"])
    others = [passage for passage in _found(dataset, one) if passage.chunk_id != one.chunk.pk]
    document = one.chunk.version.document
    own = PromptPassage(0, document.title, one.chunk.text, one.chunk.page)
    shown = [own, *map(_shown, others[:count])]
    Random(one.number).shuffle(shown)
    answer = f"{one.candidate.answer.rstrip('.')} [{shown.index(own) + 1}]."
    return _example(one, shown, answer, one.candidate.kind, others[:count])


def _unanswered(dataset: Dataset, one: Asked) -> Example | None:
    """The same question with passages of other documents: nothing there answers it."""
    document = one.chunk.version.document_id
    others = [passage for passage in _found(dataset, one) if passage.document_id != document]
    shown = others[: max(1, int(dataset.made_from["distractors"]))]
    if not shown:
        return None
    answer = ABSTENTIONS.get(one.language, ABSTENTIONS["English"])
    return _example(one, [_shown(passage) for passage in shown], answer, "unanswerable", shown)


def _found(dataset: Dataset, one: Asked) -> list[FoundPassage]:
    """What search finds in the same collection, without what answers the question as well."""
    from knowledge.retrieval import retrieve  # the web process only asks for datasets

    found = retrieve(
        one.candidate.question,
        user=dataset.created_by,
        collections=[one.chunk.collection_id],
        limit=int(dataset.made_from["distractors"]) + 6,
        is_reranked=False,
    )
    return [
        passage
        for passage in found.passages
        if passage.computation is None and not one.candidate.is_answered_by(passage.text)
    ]


def _shown(passage: FoundPassage) -> PromptPassage:
    return PromptPassage(0, passage.document_title, passage.text, passage.page)


def _example(
    one: Asked,
    shown: Sequence[PromptPassage],
    answer: str,
    kind: str,
    others: Sequence[FoundPassage],
) -> Example:
    version = one.chunk.version
    marked = [
        PromptPassage(marker, passage.title, passage.text, passage.page)
        for marker, passage in enumerate(shown, start=1)
    ]
    nonce = f"{one.number:012x}"[:8]
    asked = build_messages(one.candidate.question, passages=marked, nonce=nonce)
    messages = [*asked, {"role": "assistant", "content": answer}]
    origin = {
        "kind": kind,
        "document": str(version.document_id),
        "title": version.document.title,
        "version": str(version.pk),
        "number": version.number,
        "chunks": [str(one.chunk.pk)],
        "others": [str(passage.chunk_id) for passage in others],
    }
    return Example(
        messages=messages,
        source=version.document.title[:300],
        sha256=hash_turns(messages),
        origin=origin,
        collections=[one.chunk.collection_id],
        state=Example.State.CANDIDATE,
    )


def _keep(dataset: Dataset, examples: list[Example], left_out: dict[str, int]) -> None:
    """Stores them all at once, if nobody else did."""
    held_back = choose_eval([one.sha256 for one in examples], [one.source for one in examples])
    codec = base_codec()
    counts = count_tokens(codec, [_row(one) for one in examples]) if codec else []
    for at, example in enumerate(examples):
        example.dataset, example.line = dataset, at + 1
        example.split = Example.Split.EVAL if at in held_back else Example.Split.TRAIN
        example.tokens = counts[at] if codec else None
    with transaction.atomic():
        held = Dataset.objects.select_for_update().get(pk=dataset.pk)
        if held.status != Dataset.Status.MAKING:
            return
        Example.objects.bulk_create(examples, batch_size=500)
        held.status, held.made_from = Dataset.Status.READY, dataset.made_from
        kinds = Counter(example.origin["kind"] for example in examples)
        held.made_from |= {"left_out": left_out, "kinds": dict(kinds)}
        held.report |= {
            "lines": len(examples),
            "sources": len({example.source for example in examples}),
            "tokens": describe_tokens([count for count in counts if count is not None]),
        }
        held.save()
        recount(held)
        record("dataset.made", target=held, details={"examples": len(examples), **dict(kinds)})
    logger.info("dataset %s: %s examples made", dataset.pk, len(examples))
    if len(examples) <= AT_ONCE:
        look_through(held)


def _row(example: Example) -> Row:
    turns = [Turn(role=turn["role"], content=turn["content"]) for turn in example.messages]
    return Row(0, turns)
