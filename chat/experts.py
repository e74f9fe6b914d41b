"""Experts: what employees pick. Each change is a new frozen version; promotion moves a pointer.

Knows no engine: whether an adapter fits the base model is checked where it is registered.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar

from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.db.models import Max

from chat.adapter_rights import check_readers
from chat.engine import Sampling
from chat.errors import ChatError, StateConflict
from chat.models import Adapter, Expert, ExpertVersion
from chat.prompts import DEFAULT_SYSTEM_PROMPT
from knowledge.models import Collection
from phi3site.audit.recording import record


@dataclass(frozen=True)
class RetrievalSettings:
    """How an expert looks things up, and when it says that it found nothing."""

    # Passages in the prompt at most; fewer when the budget of tokens is spent.
    passages: int = 3
    # Candidates that search hands to ranking.
    candidates: int = 50
    # Least cosine similarity between question and passage for the passage to count as relevant.
    min_score: float = 0.3
    # Least share of the question's content words in a passage that is not very alike.
    min_overlap: float = 0.3
    # Earlier turns of the conversation in the prompt, when they fit.
    history: int = 1
    # Whether the site's reranker, where there is one, has the last word about the order.
    is_reranked: bool = True
    # Whether it answers with sentences of the documents alone, and never asks the model.
    is_quoting: bool = False


Settings = TypeVar("Settings", RetrievalSettings, Sampling)


def retrieval_of(version: ExpertVersion | None) -> RetrievalSettings:
    """How a version looks things up; the defaults without one."""
    return _overlay(RetrievalSettings(), version.retrieval if version else {})


def sampling_of(version: ExpertVersion | None) -> Sampling:
    """How a version chooses tokens; the defaults without one."""
    return _overlay(Sampling(), version.sampling if version else {})


def create_expert(
    name: str,
    *,
    actor: Any,
    collections: Iterable[Collection] = (),
    description: str = "",
    system_prompt: str = DEFAULT_SYSTEM_PROMPT,
    adapter: Adapter | None = None,
    retrieval: RetrievalSettings | None = None,
    sampling: Sampling | None = None,
    groups: Iterable[Group] = (),
    examples: Sequence[str] = (),
) -> Expert:
    """A new expert whose first version is live at once; raises ChatError when the name is taken."""
    try:
        with transaction.atomic():
            expert = Expert.objects.create(
                name=name, description=description, examples=list(examples)
            )
            expert.groups.set(groups)
            version = new_version(
                expert,
                actor=actor,
                collections=collections,
                system_prompt=system_prompt,
                adapter=adapter,
                retrieval=retrieval,
                sampling=sampling,
            )
            promote(version, actor=actor)
    except IntegrityError as error:
        message = f"There is already an expert called {name}. Choose another name."
        raise ChatError(message, code="name_taken") from error
    expert.refresh_from_db()
    return expert


@transaction.atomic
def new_version(
    expert: Expert,
    *,
    actor: Any,
    collections: Iterable[Collection] = (),
    system_prompt: str = DEFAULT_SYSTEM_PROMPT,
    adapter: Adapter | None = None,
    retrieval: RetrievalSettings | None = None,
    sampling: Sampling | None = None,
) -> ExpertVersion:
    """The next frozen state of an expert; it answers nobody until it is promoted."""
    Expert.objects.select_for_update().get(pk=expert.pk)
    check_readers(adapter, expert.groups.all())
    newest = expert.versions.aggregate(newest=Max("number"))["newest"] or 0
    version = expert.versions.create(
        number=newest + 1,
        system_prompt=system_prompt,
        adapter=adapter,
        retrieval=asdict(retrieval or RetrievalSettings()),
        sampling=asdict(sampling or Sampling()),
        created_by=actor,
    )
    version.collections.set(collections)
    details = {"version": version.number, "adapter": str(adapter) if adapter else None}
    record("expert_version.created", actor=actor, target=version, details=details)
    return version


@transaction.atomic
def promote(version: ExpertVersion, *, actor: Any) -> None:
    """Makes a version the one that answers from now on; answers under way keep theirs."""
    expert = Expert.objects.select_for_update().get(pk=version.expert_id)
    adapter = version.adapter
    if adapter is not None and not Adapter.objects.usable().filter(pk=adapter.pk).exists():
        raise StateConflict(f"{adapter} is {adapter.state}. Choose another adapter first.")
    check_readers(adapter, expert.groups.all())
    before = expert.live_version_id
    expert.live_version = version
    expert.save(update_fields=["live_version"])
    if adapter is not None:
        Adapter.objects.filter(pk=adapter.pk).update(state=Adapter.State.LIVE)
    details = {"version": version.number, "before": str(before) if before else None}
    record("expert_version.promoted", actor=actor, target=version, details=details)


@transaction.atomic
def describe(expert: Expert, *, actor: Any, groups: Iterable[Group]) -> None:
    """Saves name, description, examples and groups, which belong to no version."""
    groups = list(groups)
    if expert.live_version is not None:
        check_readers(expert.live_version.adapter, groups)
    expert.save(update_fields=["name", "description", "examples"])
    expert.groups.set(groups)
    record("expert.described", actor=actor, target=expert)


@transaction.atomic
def archive(expert: Expert, *, actor: Any) -> None:
    """Nobody can ask it any more; its answers and receipts stay."""
    expert.is_archived = True
    expert.save(update_fields=["is_archived"])
    record("expert.archived", actor=actor, target=expert)


def _overlay(defaults: Settings, values: dict[str, Any]) -> Settings:
    """The defaults with stored values over them, in the defaults' types: JSON makes 1.0 a 1.

    Keys that this release doesn't know are left out.
    """
    known = {
        name: type(default)(values[name])
        for name, default in asdict(defaults).items()
        if values.get(name) is not None
    }
    return replace(defaults, **known)
