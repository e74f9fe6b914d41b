"""A collection goes to the trash with its documents, comes back with them, or is removed for good.

Documents that were in the trash before stay there. What depends on a collection is asked of
functions that the settings name, as for a document: see purging.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils.module_loading import import_string

from knowledge.errors import StateConflict
from knowledge.models import Chunk, Collection, Document, DocumentVersion
from knowledge.purging import Dependent, purge
from knowledge.versions import WITH_ITS_DOCUMENT, bring_back
from phi3site.audit.recording import record

State = Collection.State
Counter = Callable[[Collection], Iterable[Dependent]]


def dependents_of(collection: Collection) -> list[Dependent]:
    """Its documents, and everything that rests on it or on them; without those that are none."""
    paths = settings.KNOWLEDGE_COLLECTION_DEPENDENTS
    counters: list[Counter] = [_held, *(import_string(path) for path in paths)]
    return [found for count in counters for found in count(collection) if found.count]


def _held(collection: Collection) -> Iterator[Dependent]:
    documents = Document.objects.filter(collection=collection)
    active = documents.filter(state=Document.State.ACTIVE)
    trashed = documents.filter(state=Document.State.TRASHED)
    versions = DocumentVersion.objects.filter(document__in=active).count()
    passages = Chunk.objects.filter(collection=collection, is_live=True).count()
    with_it = "They go to the trash with it, and come back when it is restored."
    yield Dependent(active.count(), "documents", with_it)
    yield Dependent(versions, "versions of them", "They stay with their documents.")
    yield Dependent(passages, "passages that answer questions", "No question finds them any more.")
    yield Dependent(trashed.count(), "documents in its trash", "They stay in the trash.")


def trash_collection(collection: Collection, *, actor: Any) -> int:
    """Takes it and all its documents out of answers at once; how many documents those were.

    Raises StateConflict for one that is deleted already.
    """
    with transaction.atomic():
        _change_state(collection, State.ACTIVE, State.TRASHED, trashed_at=Now())
        active = Document.objects.filter(collection=collection, state=Document.State.ACTIVE)
        # In a fixed order, before anything below them: whoever holds one of them ends first.
        held = active.order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True)
        documents = Document.objects.filter(pk__in=list(held))
        count = documents.update(
            state=Document.State.TRASHED, trashed_at=Now(), is_trashed_with_collection=True
        )
        Chunk.objects.filter(collection=collection, is_live=True).update(is_live=False)
        DocumentVersion.objects.unfinished().filter(document__in=documents).update(
            status=DocumentVersion.Status.CANCELLED,
            heartbeat_at=None,
            error_code=WITH_ITS_DOCUMENT,
        )
        details = {"name": collection.name, "documents": count}
        record("collection.trashed", actor=actor, target=collection, details=details)
    return count


def restore_collection(collection: Collection, *, actor: Any) -> int:
    """Brings it back with the documents that went with it; how many those were."""
    with transaction.atomic():
        if Collection.objects.active().filter(name=collection.name).exists():
            raise StateConflict(
                f"Another collection is called “{collection}” by now. Give that one another name, "
                "then restore this one."
            )
        _change_state(collection, State.TRASHED, State.ACTIVE, trashed_at=None)
        went_with_it = Document.objects.filter(
            collection=collection, state=Document.State.TRASHED, is_trashed_with_collection=True
        )
        documents = list(went_with_it.order_by("pk").select_for_update(no_key=True))
        for document in documents:
            bring_back(document, actor=actor)
        details = {"name": collection.name, "documents": len(documents)}
        record("collection.restored", actor=actor, target=collection, details=details)
    return len(documents)


def purge_collection(collection: Collection, *, actor: Any) -> int:
    """Removes a deleted collection's documents for good; how many those were.

    Each by itself: broken off and begun again, it goes on. Its name stays, and who might read it,
    since old answers quote from it.
    """
    if not Collection.objects.filter(pk=collection.pk, state=State.TRASHED).exists():
        raise StateConflict("Only a deleted collection can be removed for good.")
    left = Document.objects.filter(collection=collection, state=Document.State.TRASHED)
    documents = list(left.order_by("pk"))
    for document in documents:
        with suppress(StateConflict):
            purge(document, actor=actor)
    with transaction.atomic():
        _change_state(collection, State.TRASHED, State.PURGED)
        details = {"name": collection.name, "documents": len(documents)}
        record("collection.purged", actor=actor, target=collection, details=details)
    return len(documents)


def _change_state(collection: Collection, before: str, after: str, **values: Any) -> None:
    changed = Collection.objects.filter(pk=collection.pk, state=before)
    if not changed.update(state=after, **values):
        words = "is deleted already" if before == State.ACTIVE else "isn't in the trash any more"
        raise StateConflict(f"The collection “{collection}” {words}.")
    collection.refresh_from_db()
