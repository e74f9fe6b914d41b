"""People decide which examples are learned: accept, edit, reject, each with who and when.

A dataset that a run used changes no more: `revise` copies it into its next version, which does.
Knows no page.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from phi3site.audit.recording import record
from training.conversations import Flaw, check_turns
from training.counting import base_codec
from training.datasets import hash_turns, store
from training.errors import DatasetRefused, StateConflict
from training.findings import look_through
from training.masking import mask_example
from training.models import Dataset, Example

State = Example.State
# As many lines are named in the log; all are counted.
NAMED = 500
# A dataset of so many is looked through again as soon as nothing waits any more.
LOOKED_AT_AGAIN = 1000


@transaction.atomic
def decide(dataset: Dataset, examples: QuerySet[Example], state: str, *, actor: Any) -> int:
    """Accepts or rejects those of the dataset among the examples; says how many changed."""
    if state not in (State.ACCEPTED, State.REJECTED):
        raise DatasetRefused("An example is accepted or rejected.")
    held = _hold(dataset)
    changing = examples.filter(dataset=held).exclude(state=state)
    lines = sorted(changing.values_list("line", flat=True))
    held.examples.filter(line__in=lines).update(
        state=state, decided_by=actor, decided_at=timezone.now()
    )
    recount(held)
    if lines:
        details = {"decision": state, "count": len(lines), "lines": lines[:NAMED]}
        record("dataset.reviewed", target=held, actor=actor, details=details)
        if not held.report["waiting"] and held.report["examples"] <= LOOKED_AT_AGAIN:
            look_through(held)
    return len(lines)


@transaction.atomic
def edit(example: Example, contents: Sequence[str], *, actor: Any) -> None:
    """Other words for each turn, in their order; what a person wrote is accepted.

    Raises DatasetRefused when nothing can be learned from them.
    """
    held = _hold(example.dataset)
    roles = [turn["role"] for turn in example.messages]
    spoken = [{"role": role, "content": text} for role, text in zip(roles, contents, strict=True)]
    try:
        turns = check_turns(spoken)
    except Flaw as flaw:
        raise DatasetRefused(f"This can't be learned: {flaw}.") from flaw
    before, digest = example.sha256, hash_turns(turns)
    if other := held.examples.filter(sha256=digest).exclude(pk=example.pk).first():
        raise DatasetRefused(f"Example {other.line} says the very same. Reject one of the two.")
    codec = base_codec()
    example.messages, example.sha256, example.near = list(turns), digest, None
    example.tokens = len(mask_example(codec, turns)) if codec else None
    example.origin = {**example.origin, "edited": True}
    example.state, example.decided_by, example.decided_at = State.ACCEPTED, actor, timezone.now()
    example.save()
    recount(held)
    details = {"line": example.line, "before": before, "after": digest}
    record("dataset.example_edited", target=held, actor=actor, details=details)


@transaction.atomic
def revise(dataset: Dataset, *, actor: Any) -> Dataset:
    """The next version with the same examples and decisions, open to changes."""
    copy = Dataset(
        name=dataset.name,
        filename=dataset.filename,
        columns=dataset.columns,
        origin=dataset.origin,
        made_from=dataset.made_from,
        parent=dataset,
        report=dataset.report,
        created_by=actor,
    )
    examples = list(dataset.examples.order_by("line"))
    for example in examples:
        example.pk = None
    store(copy, examples, actor, action="dataset.revised", details={"of": str(dataset.pk)})
    copy.collections.set(dataset.collections.all())
    return copy


def recount(dataset: Dataset) -> None:
    """Tells the report how many are learned, held back, waiting and rejected."""
    counted: Counter[tuple[str, str]] = Counter()
    for state, split in dataset.examples.values_list("state", "split"):
        counted[state, split] += 1
    of_state = Counter[str]()
    for (state, _split), count in counted.items():
        of_state[state] += count
    dataset.report |= {
        "examples": sum(counted.values()),
        "train": counted[State.ACCEPTED, Example.Split.TRAIN],
        "eval": counted[State.ACCEPTED, Example.Split.EVAL],
        "waiting": of_state[State.CANDIDATE],
        "rejected": of_state[State.REJECTED],
    }
    dataset.save(update_fields=["report"])


def labels(turns: Sequence[Mapping[str, str]]) -> list[str]:
    """What each turn is called on a form."""
    names = {"system": "System message", "user": "Question", "assistant": "Answer"}
    return [names[turn["role"]] for turn in turns]


def _hold(dataset: Dataset) -> Dataset:
    """The dataset, locked against a run that begins now; raises StateConflict once one used it."""
    held = Dataset.objects.select_for_update().get(pk=dataset.pk)
    if held.is_frozen:
        raise StateConflict(
            f"A run learned from {held}, so it stays as it is. Make a new version to change it.",
            code="dataset_frozen",
        )
    if held.status != Dataset.Status.READY:
        raise StateConflict(f"{held} is still being made.")
    return held
