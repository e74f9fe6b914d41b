"""The end of a document in the trash: its files, chunks and rows go, its name and hashes stay.

What answers quoted from it is a frozen copy of theirs, and stays. Who depends on a document is
asked of functions that the settings name, since this app knows neither answers nor datasets.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from knowledge.errors import KnowledgeError, StateConflict
from knowledge.models import ChunkRevision, Document, DocumentVersion, UploadKey
from knowledge.pictures import forget_pictures
from knowledge.storage import path_of
from phi3site.audit.recording import record

Status = DocumentVersion.Status


@dataclass(frozen=True)
class Dependent:
    """Something that rests on a document: how many of what, and what becomes of it."""

    count: int
    name: str
    outcome: str


Counter = Callable[[Document], Iterable[Dependent]]


def dependents(document: Document) -> list[Dependent]:
    """Everything that rests on the document; without those that are none."""
    counters: list[Counter] = [import_string(path) for path in settings.KNOWLEDGE_DEPENDENTS]
    return [found for count in counters for found in count(document) if found.count]


def purge(document: Document, *, actor: Any) -> None:
    """Removes what a trashed document holds, for good. Raises StateConflict outside the trash."""
    with transaction.atomic():
        changed = Document.objects.filter(pk=document.pk, state=Document.State.TRASHED)
        if not changed.update(state=Document.State.PURGED):
            raise StateConflict("Only a document in the trash can be removed for good.")
        # Whoever corrects a passage or reads a file of it now finds that it is gone.
        versions = list(document.versions.select_for_update(no_key=True))
        document.versions.unfinished().update(status=Status.CANCELLED, heartbeat_at=None)
        for version in versions:
            version.chunks.all().delete()
            version.tables.all().delete()
        ChunkRevision.objects.filter(version__in=versions).delete()
        UploadKey.objects.filter(version__in=versions).delete()
        details = {
            "title": document.title,
            "versions": [version.sha256 for version in versions],
            "dependents": {found.name: found.count for found in dependents(document)},
        }
        record("document.purged", actor=actor, target=document, details=details)
        names = {str(version.file.name) for version in versions}
        document.versions.update(file="", warnings=[], error="")
        transaction.on_commit(lambda: _remove_files(names, [v.pk for v in versions]))
    document.refresh_from_db()


def _remove_files(names: set[str], version_ids: list[Any]) -> None:
    """After the commit: a file that stays behind is found and removed with the strays later."""
    for name in names:
        try:
            path_of(name).unlink(missing_ok=True)
        except KnowledgeError:
            continue
    for version_id in version_ids:
        forget_pictures(version_id)
