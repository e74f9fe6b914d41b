"""What a dataset's examples are like, before any GPU second: repeated, leaking, in which language.

Part of a dataset's report, made with the import or soon after by a job. Trains nothing and drops
nothing: it names lines, and people decide.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from training.languages import tell_languages
from training.likeness import near_across, near_pairs
from training.models import Dataset, Example

# As many are named; all are counted.
NAMED = 200
# Examples that are looked through while the upload waits; more are left to a job.
AT_ONCE = 5_000
# Before the question in a prompt with passages, as serving builds it.
QUESTION = "\nQuestion: "


@dataclass(frozen=True)
class Leak:
    """An example that asks what a question set asks."""

    line: int
    question: str
    asked: str


def question_of(turns: Sequence[Any]) -> str:
    """What is asked last, without the passages above it."""
    asked = turns[-2]["content"] if len(turns) > 1 else ""
    return str(asked.rpartition(QUESTION)[2]).strip()


def look_through(dataset: Dataset) -> None:
    """Adds the findings to the report, and to each example the one that it nearly repeats."""
    kept = dataset.examples.exclude(state=Example.State.REJECTED).order_by("line")
    examples = list(kept.only("line", "split", "source", "messages"))
    questions = [question_of(example.messages) for example in examples]
    texts = [
        f"{question}\n{example.messages[-1]['content']}"
        for question, example in zip(questions, examples, strict=True)
    ]
    near = {examples[at].line: examples[of].line for at, of in near_pairs(texts).items()}
    findings = {
        "near_count": len(near),
        "languages": dict(Counter(tell_languages(texts)).most_common()),
        **_split_leaks(examples, questions),
        **_mixed_sources(examples),
    }
    with transaction.atomic():
        held = Dataset.objects.select_for_update().get(pk=dataset.pk)
        held.report["findings"] = findings
        held.save(update_fields=["report"])
        for example in examples:
            example.near = near.get(example.line)
        held.examples.filter(near__isnull=False).update(near=None)
        changed = [example for example in examples if example.near]
        Example.objects.bulk_update(changed, ["near"], batch_size=1000)
    dataset.report = held.report


def find_leaks(examples: QuerySet[Example], questions: Iterable[str]) -> list[Leak]:
    """Examples that ask nearly what one of these questions asks: they would flatter a measure."""
    asked = [question.strip() for question in questions if question.strip()]
    rows = list(examples.order_by("line").values_list("line", "messages"))
    own = [question_of(messages) for _line, messages in rows]
    return [Leak(rows[at][0], own[at], asked[of]) for at, of in near_across(own, asked).items()]


def _split_leaks(examples: Sequence[Example], questions: Sequence[str]) -> dict[str, Any]:
    """Held-back examples whose question is learned as well."""
    measured = [at for at, one in enumerate(examples) if one.split == Example.Split.EVAL]
    learned = [at for at, one in enumerate(examples) if one.split == Example.Split.TRAIN]
    pairs = near_across([questions[at] for at in measured], [questions[at] for at in learned])
    named = [
        {"line": examples[measured[at]].line, "of": examples[learned[of]].line}
        for at, of in pairs.items()
    ]
    return {"split_leak_count": len(named), "split_leaks": named[:NAMED]}


def _mixed_sources(examples: Sequence[Example]) -> dict[str, Any]:
    """Sources that stand on both sides, since they were too few or too large to be kept whole."""
    sides: dict[str, set[str]] = {}
    for example in examples:
        if example.source:
            sides.setdefault(example.source, set()).add(example.split)
    mixed = sorted(source for source, splits in sides.items() if len(splits) > 1)
    return {"mixed_source_count": len(mixed), "mixed_sources": mixed[:NAMED]}
