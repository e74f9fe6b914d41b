"""Documents over the API: the same functions as the pages, for the same people."""

from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import File, Form, Router, Status
from ninja.files import UploadedFile
from ninja.pagination import paginate

from knowledge import versions
from knowledge.comparing import Change
from knowledge.filing import details_of, file_document, replaced
from knowledge.listing import changes_between, pair_of
from knowledge.models import Collection, Document, DocumentVersion
from knowledge.purging import Dependent, dependents, purge
from knowledge.repeating import fingerprint_of, once
from knowledge.schemas import (
    ChangeOut,
    DependentOut,
    DetailsIn,
    DocumentOut,
    UploadOut,
    VersionOut,
)
from knowledge.uploads import upload_document

router = Router(tags=["knowledge"])


def require_curator(request: HttpRequest) -> None:
    """Raises PermissionDenied for everyone who manages no documents."""
    if not request.user.has_perm("knowledge.manage_documents"):
        raise PermissionDenied


@router.get("/documents", response=list[DocumentOut])
@paginate
def list_documents(request: HttpRequest, collection: UUID | None = None) -> QuerySet[Document]:
    """Documents that you may read, by title."""
    found = Document.objects.visible_to(request.user).prefetch_related("versions")
    if collection is not None:
        found = found.filter(collection=collection)
    return found.order_by("title", "id")


@router.post("/documents", response={201: UploadOut, 200: UploadOut})
def upload(
    request: HttpRequest, collection: Form[UUID], file: File[UploadedFile], title: Form[str] = ""
) -> Status[Any]:
    """Takes a file; 200 when the collection holds the very bytes already.

    With the header `Idempotency-Key` it may be sent again: one effect, the same answer.
    """
    require_curator(request)
    target = get_object_or_404(Collection.objects.manageable_by(request.user), pk=collection)
    version = once(
        request.headers.get("Idempotency-Key", ""),
        fingerprint_of(file, str(collection), title),
        lambda: upload_document(target, file, actor=request.user, title=title),
        actor=request.user,
    )
    return Status(200 if version.was_already_there else 201, version)


@router.get("/documents/{uuid:document_id}", response=DocumentOut)
def get_document(request: HttpRequest, document_id: UUID) -> Document:
    """One document with its versions."""
    return get_object_or_404(Document.objects.visible_to(request.user), pk=document_id)


@router.delete("/documents/{uuid:document_id}", response={204: None})
def delete_document(request: HttpRequest, document_id: UUID) -> Status[None]:
    """Takes a document out of all answers."""
    require_curator(request)
    found = get_object_or_404(Document.objects.manageable_by(request.user), pk=document_id)
    versions.trash(found, actor=request.user)
    return Status(204, None)


@router.patch("/documents/{uuid:document_id}", response=DocumentOut)
def change_document(request: HttpRequest, document_id: UUID, wanted: DetailsIn) -> Document:
    """Changes labels, days and readers; what is not named stays as it is."""
    require_curator(request)
    found = get_object_or_404(Document.objects.manageable_by(request.user), pk=document_id)
    named = wanted.dict(exclude_unset=True)
    file_document(found, replaced(details_of(found), found, named), actor=request.user)
    return Document.objects.get(pk=found.pk)


@router.get("/documents/{uuid:document_id}/changes", response=list[ChangeOut])
def document_changes(
    request: HttpRequest, document_id: UUID, before: int | None = None, after: int | None = None
) -> list[Change]:
    """What changed between two versions, by number; by default between the last two."""
    found = get_object_or_404(Document.objects.visible_to(request.user), pk=document_id)
    older, newer = pair_of(found, before, after)
    kinds = ("changed", "added", "removed")
    return [change for change in changes_between(older, newer) if change.kind in kinds]


@router.get("/documents/{uuid:document_id}/dependents", response=list[DependentOut])
def document_dependents(request: HttpRequest, document_id: UUID) -> list[Dependent]:
    """What rests on a document."""
    require_curator(request)
    found = get_object_or_404(Document.objects.manageable_by(request.user), pk=document_id)
    return dependents(found)


@router.post("/documents/{uuid:document_id}/restore", response=DocumentOut)
def restore_document(request: HttpRequest, document_id: UUID) -> Document:
    """Brings a document back from the trash."""
    require_curator(request)
    found = get_object_or_404(Document.objects.manageable_by(request.user), pk=document_id)
    versions.restore(found, actor=request.user)
    return found


@router.post("/documents/{uuid:document_id}/purge", response={204: None})
def purge_document(request: HttpRequest, document_id: UUID) -> Status[None]:
    """Removes a document in the trash for good."""
    require_curator(request)
    found = get_object_or_404(Document.objects.manageable_by(request.user), pk=document_id)
    purge(found, actor=request.user)
    return Status(204, None)


@router.post("/versions/{uuid:version_id}/retry", response=VersionOut)
def retry_version(request: HttpRequest, version_id: UUID) -> DocumentVersion:
    """Tries a failed or cancelled version again."""
    require_curator(request)
    found = get_object_or_404(DocumentVersion.objects.manageable_by(request.user), pk=version_id)
    versions.retry(found, actor=request.user)
    return found


@router.post("/versions/{uuid:version_id}/cancel", response=VersionOut)
def cancel_version(request: HttpRequest, version_id: UUID) -> DocumentVersion:
    """Stops a version on its way."""
    require_curator(request)
    found = get_object_or_404(DocumentVersion.objects.manageable_by(request.user), pk=version_id)
    versions.cancel(found, actor=request.user)
    return found
