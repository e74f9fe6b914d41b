"""Who may be answered with an adapter: whoever may read what it was trained on, and nobody else.

An adapter can repeat its examples word for word, so its rights are at least those of its data.
Where nobody knows which collections that was, the admin's choice of the expert's groups decides.
"""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Q

from chat.errors import AdapterRefused
from chat.models import Adapter, Expert
from knowledge.models import Collection
from phi3site.audit.recording import record

CODE = "adapter_rights"


def check_readers(adapter: Adapter | None, groups: Iterable[Group]) -> None:
    """Raises AdapterRefused when an expert of these groups would tell them what they can't read."""
    if adapter is not None:
        _check(adapter, list(groups), adapter.collections.all())


def may_be_answered_with(adapter: Adapter | None, user: Any) -> bool:
    """Whether a person may read all that the adapter is known to be trained on."""
    if adapter is None:
        return True
    readable = Collection.objects.readable_by(user).values("pk")
    return not adapter.collections.exclude(pk__in=readable).exists()


@transaction.atomic
def state_collections(adapter: Adapter, collections: Iterable[Collection], *, actor: Any) -> None:
    """Says what the adapter was trained on; refused while an expert tells it to others."""
    chosen = list(collections)
    experts = Expert.objects.filter(live_version__adapter=adapter, is_archived=False)
    for expert in experts.prefetch_related("groups"):
        _check(adapter, list(expert.groups.all()), chosen, asked=f"{expert.name} uses {adapter}: ")
    adapter.collections.set(chosen)
    details = {"collections": [str(collection.pk) for collection in chosen]}
    record("adapter.data_stated", actor=actor, target=adapter, details=details)


def _check(
    adapter: Adapter, groups: list[Group], collections: Iterable[Collection], *, asked: str = ""
) -> None:
    for collection in collections:
        if not groups:
            raise AdapterRefused(
                f"{asked}{adapter} was trained on {collection.name}, and everyone may ask this "
                "expert. Choose groups that may read that collection.",
                code=CODE,
            )
        names = _closed_to(collection, groups)
        if names:
            raise AdapterRefused(
                f"{asked}{adapter} was trained on {collection.name}, which {', '.join(names)} may "
                "not read. Choose another adapter, or only groups that may read that collection.",
                code=CODE,
            )


def _closed_to(collection: Collection, groups: list[Group]) -> list[str]:
    opened = Q(readable_collections=collection) | Q(managed_collections=collection)
    allowed = set(Group.objects.filter(opened).values_list("pk", flat=True))
    return sorted(group.name for group in groups if group.pk not in allowed)
