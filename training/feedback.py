"""Answers that people approved or corrected become candidate examples, for an admin to review.

Only what somebody rated is taken, and of it only the question, the passages and the answer: no
other turn of the conversation. Knows no page.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from chat.models import Answer, Feedback
from chat.prompts import PromptPassage, build_messages
from knowledge.models import Collection
from training.counting import base_codec
from training.datasets import count_tokens, describe_tokens, hash_turns, store
from training.errors import DatasetRefused
from training.findings import look_through
from training.making import empty_report
from training.models import Dataset, Example
from training.reading import Row
from training.reviewing import recount
from training.splits import choose_eval

MOST = 5_000


def rated() -> Any:
    """Feedback that says what a good answer is."""
    useful = ~Q(corrected_answer="") | Q(thumb=Feedback.Thumb.UP)
    complete = Feedback.objects.filter(useful, answer__status=Answer.Status.COMPLETE)
    answers = complete.select_related("answer__question", "answer__expert_version")
    return answers.prefetch_related("answer__passages").order_by("created_at", "pk")


def collect_feedback(name: str, *, actor: Any) -> Dataset:
    """A dataset of all rated answers whose passages the person may manage, to be reviewed.

    Raises DatasetRefused when there is none.
    """
    left_out: Counter[str] = Counter()
    managed = set(Collection.objects.managed_by(actor).values_list("pk", flat=True))
    examples = list(_examples(managed, left_out))
    if not examples:
        raise DatasetRefused("Nobody has approved or corrected an answer that could be learned.")
    report = empty_report() | {"lines": len(examples) + sum(left_out.values())}
    _prepare(examples, report)
    dataset = Dataset(
        name=name.strip(),
        origin=Dataset.Origin.FEEDBACK,
        made_from={"left_out": dict(left_out)},
        report=report,
        created_by=actor,
    )
    with transaction.atomic():
        details = {"left_out": dict(left_out)}
        store(dataset, examples, actor, action="dataset.collected", details=details)
        ids = {one for example in examples for one in example.collections}
        dataset.collections.set(Collection.objects.filter(pk__in=ids))
        recount(dataset)
    look_through(dataset)
    return dataset


def _examples(managed: set[UUID], left_out: Counter[str]) -> Iterator[Example]:
    seen: set[str] = set()
    for feedback in rated()[:MOST]:
        example = _example(feedback)
        if feedback.answer.question.after_id:
            # Without what came before, it would teach to guess.
            left_out["follow_ups"] += 1
        elif not feedback.corrected_answer and feedback.answer.is_abstention:
            left_out["abstentions"] += 1
        elif not set(example.collections) <= managed:
            left_out["other_collections"] += 1
        elif example.sha256 in seen:
            left_out["duplicates"] += 1
        else:
            seen.add(example.sha256)
            yield example


def _example(feedback: Feedback) -> Example:
    answer = feedback.answer
    used = [passage for passage in answer.passages.all() if passage.is_used]
    asked = build_messages(
        answer.question.text,
        passages=[PromptPassage(p.marker, p.document_title, p.text, p.page) for p in used],
        system_prompt=answer.expert_version.system_prompt,
        nonce=answer.pk.hex[:8],
    )
    said = feedback.corrected_answer or answer.text
    messages = [*asked, {"role": "assistant", "content": said}]
    origin = {
        "kind": "correction" if feedback.corrected_answer else "approved",
        "answer": str(answer.pk),
        "rated_by": feedback.author_id,
        "documents": sorted({str(passage.document_id) for passage in used}),
        "chunks": [str(passage.chunk_id) for passage in used],
    }
    return Example(
        messages=messages,
        sha256=hash_turns(messages),
        source=f"conversation {answer.question.conversation_id}",
        origin=origin,
        collections=sorted({passage.collection_id for passage in used}),
        state=Example.State.CANDIDATE,
    )


def _prepare(examples: list[Example], report: dict[str, Any]) -> None:
    """Lines, splits and tokens."""
    held_back = choose_eval([one.sha256 for one in examples], [one.source for one in examples])
    codec = base_codec()
    rows = [Row(at, example.messages) for at, example in enumerate(examples)]
    counts = count_tokens(codec, rows) if codec else [None] * len(rows)
    for at, (example, count) in enumerate(zip(examples, counts, strict=True)):
        example.line, example.tokens = at + 1, count
        example.split = Example.Split.EVAL if at in held_back else Example.Split.TRAIN
    report["sources"] = len({example.source for example in examples})
    report["tokens"] = describe_tokens([count for count in counts if count is not None])
