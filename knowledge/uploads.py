"""A file becomes a queued version: stored, recognised, written down with its event, then queued.

Knows nothing of what is in the file beyond its type.
"""

import uuid
from dataclasses import dataclass
from datetime import date
from pathlib import PurePath
from typing import Any

from django.conf import settings
from django.core.files import File
from django.db import transaction
from django.db.models import Exists, OuterRef

from knowledge.cleaning import printable
from knowledge.errors import KnowledgeError, StateConflict
from knowledge.filetypes import FileType, detect
from knowledge.models import Collection, Document, DocumentVersion
from knowledge.storage import StoredFile, stored
from knowledge.versions import enqueue_ingestion, hold_collection, in_line, retry
from phi3site.audit.recording import record

Status = DocumentVersion.Status


@dataclass(frozen=True)
class Plan:
    """What a new version is called, from when on it holds, and its place in the line."""

    filename: str
    effective_from: date | None
    priority: int


def upload_document(
    collection: Collection,
    file: "File[Any]",
    *,
    actor: Any,
    title: str | None = None,
    document: Document | None = None,
    effective_from: date | None = None,
    priority: int = 0,
    source_path: str = "",
) -> DocumentVersion:
    """Stores the file as a new document, or as the next version of one, and queues it.

    The next version of `document` if one is given, else of the collection's document of the same
    title; with a `source_path`, of the one that was imported from there. The very bytes of a latest
    version make no new one: that version is returned, marked `was_already_there`, and tried again
    if it had failed. Raises UploadRefused or StorageFull.
    """
    filename = clean_filename(file.name or "")
    title = printable(title or "").strip()[:300] or title_of(filename)
    version_id = uuid.uuid4()
    max_bytes = settings.KNOWLEDGE_MAX_UPLOAD_MB * 1024**2
    with stored(file, file_id=version_id, max_bytes=max_bytes) as saved, transaction.atomic():
        kind = detect(saved.path, filename)
        # One upload at a time in a collection: two of the same title must not both be version 1.
        hold_collection(collection.pk)
        known = _same_bytes(collection, saved.sha256, document)
        if known is None:
            target = document or _find_or_create(collection, title, actor, source_path)
            plan = Plan(filename, effective_from, priority)
            return _add_version(target, version_id, saved, kind, plan, actor)
        transaction.on_commit(lambda: saved.path.unlink(missing_ok=True))
    known.was_already_there = True
    if known.status in (Status.FAILED, Status.CANCELLED):
        retry(known, actor=actor)
    return known


def clean_filename(name: str) -> str:
    """The last part of the name as sent, without control characters; for display only."""
    last = PurePath(name.replace("\\", "/")).name
    stem, dot, extension = printable(last).strip().rpartition(".")
    return f"{stem[:200]}{dot}{extension[:20]}" or "unnamed"


def title_of(filename: str) -> str:
    """A readable title from a file name."""
    stem = filename.rsplit(".", 1)[0] if "." in filename.strip(".") else filename
    words = " ".join(stem.replace("_", " ").replace("-", " ").split())
    return (words[:1].upper() + words[1:]) or filename


def _same_bytes(
    collection: Collection, sha256: str, document: Document | None
) -> DocumentVersion | None:
    """The version of an active document that holds these bytes and is, or will be, its present one.

    Not one that a later version replaces: who sends its bytes again wants them back.
    """
    gone = (Status.FAILED, Status.CANCELLED)
    later = DocumentVersion.objects.filter(
        document=OuterRef("document"), number__gt=OuterRef("number")
    ).exclude(status__in=gone)
    versions = DocumentVersion.objects.filter(
        ~Exists(later),
        document__collection=collection,
        document__state=Document.State.ACTIVE,
        sha256=sha256,
    ).exclude(status=Status.SUPERSEDED)
    if document is not None:
        versions = versions.filter(document=document)
    return versions.select_related("document").order_by("-number").first()


def _find_or_create(collection: Collection, title: str, actor: Any, source_path: str) -> Document:
    active = Document.objects.filter(collection=collection, state=Document.State.ACTIVE)
    if not source_path:
        same = active.filter(title=title).first()
    else:
        same = active.filter(source_path=source_path).first()
        # Files of one name in different folders are different documents.
        if same is None and active.filter(title=title).exists():
            title = f"{title} ({PurePath(source_path).parent})"[:300]
    return same or Document.objects.create(
        collection=collection, title=title, owner=actor, source_path=source_path
    )


def _add_version(
    document: Document,
    version_id: uuid.UUID,
    saved: StoredFile,
    kind: FileType,
    plan: Plan,
    actor: Any,
) -> DocumentVersion:
    """The row, its event and its job."""
    document = Document.objects.select_for_update(no_key=True).get(pk=document.pk)
    if document.state != Document.State.ACTIVE:
        raise StateConflict("The document is in the trash. Restore it first.")
    last = document.versions.order_by("-number").first()
    version = DocumentVersion.objects.create(
        id=version_id,
        document=document,
        number=last.number + 1 if last else 1,
        file=saved.name,
        filename=plan.filename,
        sha256=saved.sha256,
        media_type=kind.media_type,
        size=saved.size,
        uploaded_by=actor,
        effective_from=plan.effective_from,
        **in_line(saved.size, priority=plan.priority),
    )
    details = {
        "document": str(document.pk),
        "collection": str(document.collection_id),
        "title": document.title,
        "number": version.number,
        "sha256": version.sha256,
        "media_type": version.media_type,
        "size": version.size,
    }
    record("document.uploaded", actor=actor, target=version, details=details)
    enqueue_ingestion(version)
    return version


def found_elsewhere(version: DocumentVersion, user: Any) -> list[Document]:
    """Active documents of the same title in other collections, as far as the person may read."""
    document = version.document
    others = Document.objects.visible_to(user).filter(
        title__iexact=document.title, state=Document.State.ACTIVE
    )
    others = others.exclude(collection=document.collection_id).select_related("collection")
    return list(others.order_by("collection__name"))


def upload_many(
    collection: Collection, files: list[Any], *, actor: Any
) -> tuple[list[DocumentVersion], list[KnowledgeError]]:
    """Each file by itself: one that is refused doesn't hold back the others."""
    versions: list[DocumentVersion] = []
    refusals: list[KnowledgeError] = []
    for file in files:
        try:
            versions.append(upload_document(collection, file, actor=actor))
        except KnowledgeError as error:
            refusals.append(error)
    return versions, refusals
