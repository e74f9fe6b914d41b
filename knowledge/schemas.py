"""What the API takes and gives for documents and collections."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from ninja import Field, ModelSchema, Schema
from pydantic import ConfigDict

from knowledge import line
from knowledge.comparing import Change
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
    effective_from: date | None
    effective_until: date | None
    uploaded_at: datetime
    ready_at: datetime | None

    @staticmethod
    def resolve_status(version: DocumentVersion) -> str:
        """What a dead worker left behind waits again."""
        return version.shown_status


class WaitingOut(VersionOut):
    """The same with its place in the line; 0 when it doesn't wait."""

    position: int

    @staticmethod
    def resolve_position(version: DocumentVersion) -> int:
        """1 is the next one."""
        return line.position(version)


class QueueOut(Schema):
    """The line: of documents that you manage, and of all."""

    is_paused: bool
    waiting: int
    waiting_in_all: int
    under_way: int


class DocumentOut(Schema):
    """A document with its versions, the newest first."""

    id: UUID
    title: str
    collection_id: UUID
    created_at: datetime
    labels: list[str]
    expires_on: date | None
    review_by: date | None
    versions: list[VersionOut]

    @staticmethod
    def resolve_versions(document: Document) -> list[DocumentVersion]:
        """Prefetched by the operation, or read now."""
        return sorted(document.versions.all(), key=lambda version: -version.number)


class DetailsIn(Schema):
    """What to write about a document; what is left out stays as it is."""

    labels: list[str] | None = Field(None, max_length=20)
    effective_from: date | None = None
    expires_on: date | None = None
    review_by: date | None = None
    # Names of groups among the collection's readers; an empty list is all of them.
    readers: list[str] | None = Field(None, max_length=100)

    model_config = ConfigDict(extra="forbid")


class ChunkOut(Schema):
    """A chunk of a version, and whether it answers."""

    id: UUID
    ordinal: int
    kind: str
    text: str
    headings: list[str]
    page: int | None
    row_from: int | None
    row_to: int | None
    tokens: int
    is_enabled: bool
    is_live: bool


class CorrectionIn(Schema):
    """What to change of a chunk; what is left out stays as it is."""

    text: str | None = Field(None, max_length=20_000)
    is_enabled: bool | None = None

    model_config = ConfigDict(extra="forbid")


class DependentOut(Schema):
    """How many of what rest on a document, and what becomes of them."""

    count: int
    name: str
    outcome: str


class ChangeOut(Schema):
    """A block of two versions: changed, added or removed."""

    kind: str
    before: str
    after: str

    @staticmethod
    def resolve_before(change: Change) -> str:
        """The older words."""
        return "".join(part.text for part in change.before)

    @staticmethod
    def resolve_after(change: Change) -> str:
        """The newer words."""
        return "".join(part.text for part in change.after)


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
