"""A zip is taken in: stored by the request, its files taken one by one by an ingestion worker.

Each file's outcome is written in the transaction that takes it, so that whoever dies, the next
attempt goes on after the last one. Files are known by their paths and bytes: see importing.
"""

import logging
import uuid
from collections import Counter
from contextlib import suppress
from time import monotonic, time
from typing import Any, Self
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from knowledge.attempts import MAX_TRIES, AttemptLost, alive
from knowledge.errors import KnowledgeError, StateConflict
from knowledge.importing import Entry, take
from knowledge.models import ArchiveEntry, ArchiveImport, Collection, DocumentVersion
from knowledge.models.versions import DEAD_AFTER
from knowledge.storage import path_of, stored
from knowledge.uploads import clean_filename
from knowledge.versions import hold_collection
from knowledge.zipped import most_bytes, opened
from phi3site.audit.recording import record
from phi3site.jobs import INGESTION, enqueue

Status = ArchiveImport.Status
# A slice of the work; then documents that wait have their turn.
SLICE_SECONDS = 10.0
JOB_SECONDS = 3600

logger = logging.getLogger(__name__)


def accept(collection: Collection, file: Any, *, actor: Any) -> ArchiveImport:
    """Stores a zip and queues it. The same zip again, while it waits or is unpacked, is that one.

    Raises UploadRefused for one that can't be opened or holds too much; nothing is inflated here.
    """
    archive_id, name = uuid.uuid4(), clean_filename(file.name or "")
    with stored(file, file_id=archive_id, max_bytes=most_bytes()) as saved, transaction.atomic():
        with opened(saved.path, name) as entries:
            total = len(entries)
        hold_collection(collection.pk)
        same = ArchiveImport.objects.unfinished().filter(collection=collection, sha256=saved.sha256)
        if known := same.first():
            transaction.on_commit(lambda: saved.path.unlink(missing_ok=True))
            return known
        archive = ArchiveImport.objects.create(
            id=archive_id,
            collection=collection,
            started_by=actor,
            filename=name,
            file=saved.name,
            sha256=saved.sha256,
            size=saved.size,
            total=total,
        )
        details = {"collection": str(collection.pk), "sha256": saved.sha256, "files": total}
        record("archive.uploaded", actor=actor, target=archive, details={"name": name, **details})
        enqueue_archive(archive)
    return archive


def enqueue_archive(archive: ArchiveImport) -> None:
    """Queues the next slice; the id changes with time, since a killed job keeps its own taken."""
    enqueue(
        "knowledge.tasks.unpack_archive",
        str(archive.pk),
        queue=INGESTION,
        job_id=f"archive-{archive.pk}-{archive.attempt}-{int(time() // 60)}",
        timeout=JOB_SECONDS,
    )


def claimable() -> Q:
    """Waiting, or left behind by a worker that died."""
    is_left = Q(heartbeat_at__isnull=True) | Q(heartbeat_at__lt=Now() - DEAD_AFTER)
    return Q(status=Status.QUEUED) | (Q(status=Status.UNPACKING) & is_left)


class _Attempt:
    """The right to unpack a zip, as long as nobody else has it."""

    def __init__(self, archive: ArchiveImport) -> None:
        self.archive = archive

    @classmethod
    def claim(cls, archive_id: UUID) -> Self | None:
        """The next attempt; None when it is finished, or in living hands."""
        claimed = ArchiveImport.objects.filter(claimable(), pk=archive_id).update(
            status=Status.UNPACKING,
            attempt=F("attempt") + 1,
            tries=F("tries") + 1,
            heartbeat_at=Now(),
        )
        found = ArchiveImport.objects.select_related("collection", "started_by")
        return cls(found.get(pk=archive_id)) if claimed else None

    def write(self, **values: Any) -> None:
        """Changes the row. Raises AttemptLost when it is no longer this attempt's."""
        mine = ArchiveImport.objects.filter(
            pk=self.archive.pk, attempt=self.archive.attempt, status=Status.UNPACKING
        )
        if not mine.update(heartbeat_at=Now(), **values):
            raise AttemptLost

    def beat(self) -> None:
        """One sign of life; a database that is away for a moment may be back for the next."""
        try:
            self.write()
        except AttemptLost:
            return
        except Exception:
            logger.warning("no heartbeat for archive %s", self.archive.pk, exc_info=True)


def unpack(archive_id: UUID, *, seconds: float = SLICE_SECONDS) -> None:
    """One slice of a zip; queues the next while files are left.

    Safe to call twice, at once or again: one attempt works, the others return.
    """
    attempt = _Attempt.claim(archive_id)
    if attempt is None:
        return
    try:
        with alive([attempt]):
            _check(attempt.archive)
            if _take_files(attempt, monotonic() + seconds):
                _finish(attempt, Status.FINISHED)
            else:
                attempt.write(status=Status.QUEUED, tries=0)
                attempt.archive.refresh_from_db()
                enqueue_archive(attempt.archive)
    except AttemptLost:
        logger.info("archive %s was taken over or cancelled", archive_id)
    except KnowledgeError as error:
        _finish(attempt, Status.FAILED, error)


def _check(archive: ArchiveImport) -> None:
    """The worker acts for who uploaded it: a right that is gone by now ends it."""
    if archive.tries > MAX_TRIES:
        raise KnowledgeError(
            f"Something broke {MAX_TRIES} times while this zip was unpacked. Upload the rest of "
            "its files by themselves.",
            code="archive_crashed",
        )
    actor = archive.started_by
    mine = Collection.objects.manageable_by(actor) if actor else Collection.objects.none()
    if not mine.filter(pk=archive.collection_id).exists():
        raise KnowledgeError(
            "Who uploaded it may not add documents to this collection any more.", code="refused"
        )


def _take_files(attempt: _Attempt, until: float) -> bool:
    """Takes file after file; False when the slice is over before the zip is."""
    archive = attempt.archive
    taken = set(archive.entries.values_list("number", flat=True))
    with opened(path_of(archive.file), archive.filename) as entries:
        for number, entry in enumerate(entries):
            if number in taken:
                continue
            if monotonic() > until:
                return False
            _take_file(attempt, number, entry)
    return True


def _take_file(attempt: _Attempt, number: int, entry: Entry) -> None:
    """A file and what became of it, at once, if it is still this attempt's to take."""
    archive = attempt.archive
    with transaction.atomic():
        attempt.write()
        try:
            with transaction.atomic():
                outcome, version = take(entry, archive.collection, archive.started_by)
        except KnowledgeError as error:
            _write_down(attempt, number, entry, "refused", reason=error.message)
        else:
            _write_down(attempt, number, entry, outcome, version)


def _write_down(
    attempt: _Attempt,
    number: int,
    entry: Entry,
    outcome: str,
    version: DocumentVersion | None = None,
    reason: str = "",
) -> None:
    ArchiveEntry.objects.create(
        archive=attempt.archive,
        number=number,
        path=entry.path[:1000],
        outcome=outcome,
        reason=reason,
        version=version,
    )


def _finish(attempt: _Attempt, status: str, error: KnowledgeError | None = None) -> None:
    """Ends it, with its event; the zip itself is of no use any more."""
    archive = attempt.archive
    with transaction.atomic():
        values = {"error": error.message, "error_code": error.code} if error else {}
        attempt.write(status=status, finished_at=Now(), file="", **values)
        details = {**counts_of(archive), **({"code": error.code} if error else {})}
        record(f"archive.{status}", target=archive, details=details)
        _forget_file(archive)


def cancel(archive: ArchiveImport, *, actor: Any) -> None:
    """Takes no further file; those that were taken stay. Raises StateConflict at its end."""
    with transaction.atomic():
        open_still = ArchiveImport.objects.unfinished().filter(pk=archive.pk)
        if not open_still.update(status=Status.CANCELLED, finished_at=Now(), file=""):
            raise StateConflict("The zip is unpacked already; there is nothing to cancel.")
        record("archive.cancelled", actor=actor, target=archive, details=counts_of(archive))
        _forget_file(archive)


def counts_of(archive: ArchiveImport) -> dict[str, int]:
    """Outcome -> how many files had it so far."""
    return dict(Counter(archive.entries.values_list("outcome", flat=True)))


def _forget_file(archive: ArchiveImport) -> None:
    with suppress(KnowledgeError):
        path = path_of(archive.file)
        transaction.on_commit(lambda: path.unlink(missing_ok=True))
