"""What the API takes and gives for documents and collections."""

from datetime import datetime
from typing import Any
from uuid import UUID

from ninja import ModelSchema, Schema

from knowledge.models import Collection, Document, DocumentVersion


class CollectionOut(ModelSchema):
    """A collection that the person may read."""

    class Meta:
        model = Collection
        fields = ("id", "name", "description", "created_at")


class VersionOut(Schema):
    """A version and how far it is."""

    id: UUID
    number: int
    filename: str
    sha256: str
    media_type: str
    size: int
    status: str
    timings: dict[str, float]
    warnings: list[str]
    error: str
    error_code: str
    page_count: int | None
    chunk_count: int
    uploaded_at: datetime
    ready_at: datetime | None


class DocumentOut(Schema):
    """A document with its versions, the newest first."""

    id: UUID
    title: str
    collection_id: UUID
    created_at: datetime
    versions: list[VersionOut]

    @staticmethod
    def resolve_versions(document: Document) -> list[DocumentVersion]:
        """Prefetched by the operation, or read now."""
        return sorted(document.versions.all(), key=lambda version: -version.number)


class UploadOut(Schema):
    """What became of an upload."""

    document_id: UUID
    was_already_there: bool
    version: VersionOut

    @staticmethod
    def resolve_version(found: Any) -> Any:
        """The row itself."""
        return found

    @staticmethod
    def resolve_was_already_there(found: DocumentVersion) -> bool:
        """Whether these bytes made no new version."""
        return found.was_already_there
