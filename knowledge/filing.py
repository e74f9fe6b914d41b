"""What a person writes down about a document: owner, labels, days, and who of the readers reads it.

Knows nothing of what is in the document.
"""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction

from knowledge.cleaning import printable
from knowledge.errors import KnowledgeError, StateConflict
from knowledge.models import Chunk, Collection, Document, DocumentVersion
from knowledge.serving import refresh_live
from knowledge.versions import enqueue_embedding, hold_collection, is_title_taken, read_again
from phi3site.audit.recording import record

LABELS, LABEL_CHARS, TITLE_CHARS = 20, 60, 300
ACTIVE = Document.State.ACTIVE


@dataclass(frozen=True)
class Details:
    """All that can be written about a document, each as it shall be from now on."""

    owner: Any
    labels: tuple[str, ...]
    effective_from: date | None
    expires_on: date | None
    review_by: date | None
    readers: tuple[Group, ...]


def as_labels(text: str) -> tuple[str, ...]:
    """Labels out of a line, separated by commas: trimmed, without repetition, in order."""
    words = (printable(" ".join(word.split()))[:LABEL_CHARS] for word in text.split(","))
    return tuple(dict.fromkeys(word for word in words if word))[:LABELS]


def details_of(document: Document) -> Details:
    """What is written now; the first day is that of the newest version."""
    newest = document.versions.order_by("-number").first()
    return Details(
        owner=document.owner,
        labels=tuple(document.labels),
        effective_from=newest.effective_from if newest else None,
        expires_on=document.expires_on,
        review_by=document.review_by,
        readers=tuple(document.readers.order_by("name")),
    )


def replaced(details: Details, document: Document, named: dict[str, Any]) -> Details:
    """The details with those that are named in place of what they were.

    Readers are named by group; raises KnowledgeError for one that doesn't read the collection.
    """
    values = dict(named)
    if values.get("labels") is not None:
        values["labels"] = as_labels(",".join(values["labels"]))
    if (names := values.get("readers")) is not None:
        groups = tuple(document.collection.readers.filter(name__in=names).order_by("name"))
        if len(groups) != len(set(names)):
            raise KnowledgeError(
                "Readers of a document are chosen among the groups that read its collection.",
                code="unknown_reader",
            )
        values["readers"] = groups
    empty = {name for name in ("labels", "readers") if name in values and values[name] is None}
    return replace(details, **{name: value for name, value in values.items() if name not in empty})


def file_document(document: Document, details: Details, *, actor: Any) -> None:
    """Writes the details down; who may read, and what is in force, follows at once."""
    with transaction.atomic():
        document = Document.objects.select_for_update(of=("self",), no_key=True).get(pk=document.pk)
        before = _in_words(details_of(document))
        document.owner, document.labels = details.owner, list(details.labels)
        document.expires_on, document.review_by = details.expires_on, details.review_by
        document.save(update_fields=["owner", "labels", "expires_on", "review_by"])
        document.readers.set(details.readers)
        _set_first_day(document, details.effective_from)
        after = _in_words(details)
        changed = {key: value for key, value in after.items() if before[key] != value}
        if changed:
            record("document.filed", actor=actor, target=document, details=changed)


def _set_first_day(document: Document, first: date | None) -> None:
    newest = document.versions.order_by("-number").first()
    if newest is None or newest.effective_from == first:
        return
    DocumentVersion.objects.filter(pk=newest.pk).update(effective_from=first)
    for incomplete in refresh_live(document):
        enqueue_embedding(incomplete)


def _in_words(details: Details) -> dict[str, Any]:
    """As the audit log keeps it."""
    words = vars(details) | {
        "owner": details.owner.get_username() if details.owner else None,
        "labels": list(details.labels),
        "readers": sorted(group.name for group in details.readers),
    }
    days = ("effective_from", "expires_on", "review_by")
    return words | {day: words[day].isoformat() if words[day] else None for day in days}


def label(document: Document, labels: tuple[str, ...], *, actor: Any) -> None:
    """Adds labels to those that it has."""
    with transaction.atomic():
        document = Document.objects.select_for_update(of=("self",), no_key=True).get(pk=document.pk)
        document.labels = list(dict.fromkeys([*document.labels, *labels]))[:LABELS]
        document.save(update_fields=["labels"])
        record("document.filed", actor=actor, target=document, details={"labels": document.labels})


def rename(document: Document, title: str, *, actor: Any) -> bool:
    """Gives it another title; True when it did. Its file is read again, since passages are found
    by the title, too. Raises StateConflict for a title that is taken.
    """
    title = printable(title).strip()[:TITLE_CHARS]
    with transaction.atomic():
        # Uploads choose a document by its title: one of them and this at a time.
        hold_collection(document.collection_id)
        document = Document.objects.select_for_update(of=("self",), no_key=True).get(pk=document.pk)
        newest = document.versions.order_by("-number").first()
        if not title or title == document.title:
            return False
        if is_title_taken(document, title):
            raise StateConflict(
                f"Another document of the collection is called “{title}”. Choose another title, or "
                "upload this file as a new version of that one."
            )
        if newest is None or newest.is_unfinished:
            raise StateConflict("It is being read. Wait until it is ready, then change its title.")
        details = {"before": document.title, "after": title}
        document.title = title
        document.save(update_fields=["title"])
        record("document.renamed", actor=actor, target=document, details=details)
        if newest.status == DocumentVersion.Status.READY and document.state == ACTIVE:
            read_again(document, actor=actor)
    return True


def move(document: Document, collection: Collection, *, actor: Any) -> None:
    """Puts a document into another collection: its readers are those of that one from now on."""
    with transaction.atomic():
        hold_collection(collection.pk)
        document = Document.objects.select_for_update(of=("self",), no_key=True).get(pk=document.pk)
        if document.collection_id == collection.pk:
            return
        details = {"from": str(document.collection_id), "to": str(collection.pk)}
        document.collection, document.source_path = collection, ""
        document.is_trashed_with_collection = False
        document.save(update_fields=["collection", "source_path", "is_trashed_with_collection"])
        Chunk.objects.filter(version__document=document).update(collection=collection)
        record("document.moved", actor=actor, target=document, details=details)
