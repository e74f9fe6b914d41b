"""What a person does with a document after the upload: retry, cancel, trash, restore.

Each is a compare-and-set on the row with its event in the same transaction. Knows nothing of how
a version becomes passages.
"""

from time import time
from typing import Any

from django.conf import settings
from django.db import transaction

from knowledge.errors import StateConflict
from knowledge.models import Chunk, Document, DocumentVersion
from phi3site.audit.recording import record
from phi3site.jobs import INGESTION, enqueue

Status = DocumentVersion.Status


def enqueue_ingestion(version: DocumentVersion) -> None:
    """Queues the version's next attempt, at most once a minute.

    The id changes with time, since a job whose worker was killed keeps its id taken.
    """
    enqueue(
        "knowledge.tasks.ingest_version",
        str(version.pk),
        queue=INGESTION,
        job_id=f"ingest-{version.pk}-{version.attempt}-{int(time() // 60)}",
        timeout=settings.KNOWLEDGE_EXTRACTION_SECONDS + 3600,
    )


def retry(version: DocumentVersion, *, actor: Any) -> None:
    """Queues a failed or cancelled version again, with fresh tries."""
    with transaction.atomic():
        changed = DocumentVersion.objects.filter(
            pk=version.pk, status__in=(Status.FAILED, Status.CANCELLED)
        ).update(status=Status.QUEUED, tries=0, heartbeat_at=None, error="", error_code="")
        if not changed:
            raise StateConflict("Only a failed or cancelled version can be tried again.")
        version.refresh_from_db()
        enqueue_ingestion(version)
        record("document.retried", actor=actor, target=version)


def cancel(version: DocumentVersion, *, actor: Any) -> None:
    """Stops a version on its way; the worker notices within seconds and writes nothing more."""
    with transaction.atomic():
        changed = DocumentVersion.objects.unfinished().filter(pk=version.pk)
        if not changed.update(status=Status.CANCELLED, heartbeat_at=None):
            raise StateConflict("The version is finished already; there is nothing to cancel.")
        record("document.cancelled", actor=actor, target=version)
    version.refresh_from_db()


def trash(document: Document, *, actor: Any) -> None:
    """Takes a document out of answers at once; versions on their way are cancelled."""
    with transaction.atomic():
        _change_state(document, Document.State.ACTIVE, Document.State.TRASHED)
        Chunk.objects.filter(version__document=document, is_live=True).update(is_live=False)
        DocumentVersion.objects.unfinished().filter(document=document).update(
            status=Status.CANCELLED, heartbeat_at=None
        )
        record("document.trashed", actor=actor, target=document, details={"title": document.title})


def restore(document: Document, *, actor: Any) -> None:
    """Brings a document back from the trash, with the passages it had."""
    with transaction.atomic():
        _change_state(document, Document.State.TRASHED, Document.State.ACTIVE)
        Chunk.objects.filter(version__document=document, version__status=Status.READY).update(
            is_live=True
        )
        record("document.restored", actor=actor, target=document, details={"title": document.title})


def _change_state(document: Document, before: str, after: str) -> None:
    if not Document.objects.filter(pk=document.pk, state=before).update(state=after):
        raise StateConflict(f"The document is not {before}.")
    document.refresh_from_db()
