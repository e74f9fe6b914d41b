"""Documents and collections over the API: the same functions as the pages, for the same people."""

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
from knowledge.models import Collection, Document, DocumentVersion
from knowledge.schemas import CollectionOut, DocumentOut, UploadOut, VersionOut
from knowledge.uploads import upload_document

router = Router(tags=["knowledge"])


def require_curator(request: HttpRequest) -> None:
    """Raises PermissionDenied for everyone who manages no documents."""
    if not request.user.has_perm("knowledge.manage_documents"):
        raise PermissionDenied


@router.get("/collections", response=list[CollectionOut])
@paginate
def list_collections(request: HttpRequest) -> QuerySet[Collection]:
    """Collections that you may read."""
    return Collection.objects.visible_to(request.user).order_by("name")


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
    """Takes a file; 200 when the collection holds the very bytes already."""
    require_curator(request)
    target = get_object_or_404(Collection.objects.manageable_by(request.user), pk=collection)
    version = upload_document(target, file, actor=request.user, title=title)
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
