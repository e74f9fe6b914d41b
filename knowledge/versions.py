"""What a person does with a document after the upload: retry, cancel, read again, trash, restore.

Each is a compare-and-set on the row with its event in the same transaction. Knows nothing of how
a version becomes passages.
"""

from datetime import timedelta
from time import time
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from knowledge.errors import StateConflict
from knowledge.models import ChunkRevision, Collection, Document, DocumentVersion
from knowledge.serving import refresh_live
from phi3site.audit.recording import record
from phi3site.jobs import INGESTION, enqueue

Status = DocumentVersion.Status
# Why a version was cancelled: its document was deleted meanwhile.
WITH_ITS_DOCUMENT = "document_trashed"
# How fast files are read, roughly; decides only who passes whom in the line.
BYTES_A_SECOND = 20_000
# What embedding the largest file may take on a slow machine, those that pass it included.
LONGEST_SECONDS = 6 * 3600


def enqueue_ingestion(version: DocumentVersion) -> None:
    """Queues a turn for the version, if none waits already.

    The id changes with time, since a job that failed or whose worker was killed keeps its id taken.
    """
    enqueue(
        "knowledge.tasks.ingest_version",
        str(version.pk),
        queue=INGESTION,
        job_id=f"ingest-{version.pk}-{version.attempt}-{int(time() // 60)}",
        timeout=settings.KNOWLEDGE_EXTRACTION_SECONDS + LONGEST_SECONDS,
    )


def enqueue_embedding(version: DocumentVersion) -> None:
    """Queues the vectors that a version's answering chunks lack; the row remembers it, too."""
    DocumentVersion.objects.filter(pk=version.pk).update(lacks_vectors=True)
    enqueue(
        "knowledge.tasks.embed_version",
        str(version.pk),
        queue=INGESTION,
        job_id=f"embed-{version.pk}-{int(time() // 60)}",
        timeout=3600,
    )


def in_line(size: int, *, priority: int = 0) -> dict[str, Any]:
    """The values of a version that is queued now.

    A large file waits as if it had come later by the time that it takes, so that small ones pass
    it, and yet it comes to its turn: see `DocumentVersion.turn_at`.
    """
    now = timezone.now()
    turn_at = now + timedelta(seconds=size / BYTES_A_SECOND)
    return {"queued_at": now, "turn_at": turn_at, "priority": priority}


def retry(version: DocumentVersion, *, actor: Any) -> None:
    """Queues a failed or cancelled version again, with fresh tries."""
    with transaction.atomic():
        changed = DocumentVersion.objects.filter(
            pk=version.pk, status__in=(Status.FAILED, Status.CANCELLED)
        ).update(
            status=Status.QUEUED,
            tries=0,
            heartbeat_at=None,
            error="",
            error_code="",
            **in_line(version.size),
        )
        if not changed:
            raise StateConflict("Only a failed or cancelled version can be tried again.")
        version.refresh_from_db()
        enqueue_ingestion(version)
        record("document.retried", actor=actor, target=version)


def cancel(version: DocumentVersion, *, actor: Any) -> None:
    """Stops a version on its way; the worker notices within seconds and writes nothing more."""
    with transaction.atomic():
        changed = DocumentVersion.objects.unfinished().filter(pk=version.pk)
        nothing = {"heartbeat_at": None, "error": "", "error_code": ""}
        if not changed.update(status=Status.CANCELLED, **nothing):
            raise StateConflict("The version is finished already; there is nothing to cancel.")
        record("document.cancelled", actor=actor, target=version)
    version.refresh_from_db()


def read_again(document: Document, *, actor: Any) -> DocumentVersion:
    """Queues the file of the newest version once more, as the next version.

    What answers now goes on until that one is ready. Changes to chunks are taken along.
    """
    with transaction.atomic():
        document = Document.objects.select_for_update(no_key=True).get(pk=document.pk)
        newest = document.versions.order_by("-number").first()
        if newest is None or document.state != Document.State.ACTIVE or newest.is_unfinished:
            raise StateConflict("It is in the trash, or on its way already.")
        revisions = list(newest.revisions.order_by("id"))
        again = _copy_of(newest, actor)
        for revision in revisions:
            revision.pk, revision.version = None, again
        ChunkRevision.objects.bulk_create(revisions)
        details = {"document": str(document.pk), "number": again.number, "sha256": again.sha256}
        record("document.reread", actor=actor, target=again, details=details)
        enqueue_ingestion(again)
    return again


def _copy_of(version: DocumentVersion, actor: Any) -> DocumentVersion:
    """The next version of the same stored file."""
    return DocumentVersion.objects.create(
        document_id=version.document_id,
        number=version.number + 1,
        file=version.file.name,
        filename=version.filename,
        sha256=version.sha256,
        media_type=version.media_type,
        size=version.size,
        uploaded_by=actor,
        effective_from=version.effective_from,
        **in_line(version.size),
    )


def trash(document: Document, *, actor: Any) -> None:
    """Takes a document out of answers at once; versions on their way are cancelled."""
    with transaction.atomic():
        _change_state(document, Document.State.ACTIVE, Document.State.TRASHED)
        Document.objects.filter(pk=document.pk).update(trashed_at=Now())
        refresh_live(document)
        DocumentVersion.objects.unfinished().filter(document=document).update(
            status=Status.CANCELLED, heartbeat_at=None, error_code=WITH_ITS_DOCUMENT
        )
        record("document.trashed", actor=actor, target=document, details={"title": document.title})


def restore(document: Document, *, actor: Any) -> None:
    """Brings a document back from the trash, with the passages it had; what waited waits again."""
    with transaction.atomic():
        hold_collection(document.collection_id)
        bring_back(document, actor=actor)
        record("document.restored", actor=actor, target=document, details={"title": document.title})


def bring_back(document: Document, *, actor: Any) -> None:
    """The same without an event of its own, inside the transaction of what does it."""
    _change_state(document, Document.State.TRASHED, Document.State.ACTIVE)
    back = {"trashed_at": None, "is_trashed_with_collection": False}
    Document.objects.filter(pk=document.pk).update(**back)
    for incomplete in refresh_live(document):
        enqueue_embedding(incomplete)
    for version in document.versions.filter(status=Status.CANCELLED, error_code=WITH_ITS_DOCUMENT):
        retry(version, actor=actor)


def hold_collection(collection_id: UUID) -> Collection:
    """Locks a collection that takes documents, before any of them. Raises StateConflict."""
    held = Collection.objects.select_for_update(no_key=True).get(pk=collection_id)
    if held.state != Collection.State.ACTIVE:
        raise StateConflict(f"The collection “{held}” is deleted. Restore it first.")
    return held


def is_title_taken(document: Document, title: str) -> bool:
    """Whether another document of its collection has that title."""
    others = Document.objects.filter(collection=document.collection_id, title=title)
    return others.filter(state=Document.State.ACTIVE).exclude(pk=document.pk).exists()


def _change_state(document: Document, before: str, after: str) -> None:
    if not Document.objects.filter(pk=document.pk, state=before).update(state=after):
        raise StateConflict(f"“{document.title}” {_OTHERWISE[before]}.")
    document.refresh_from_db()


# What a document is, when it isn't in the state that an act needs.
_OTHERWISE: dict[str, str] = {
    Document.State.ACTIVE: "is deleted already",
    Document.State.TRASHED: "isn't in the trash any more",
}
