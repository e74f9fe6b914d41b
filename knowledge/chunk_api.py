"""Chunks over the API: those of a version, and their correction."""

from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router
from ninja.pagination import paginate

from knowledge.api import require_curator
from knowledge.chunk_views import find_chunk
from knowledge.correcting import correct
from knowledge.models import Chunk, DocumentVersion
from knowledge.schemas import ChunkOut, CorrectionIn

router = Router(tags=["knowledge"])


@router.get("/versions/{uuid:version_id}/chunks", response=list[ChunkOut])
@paginate
def list_chunks(request: HttpRequest, version_id: UUID) -> QuerySet[Chunk]:
    """The chunks of a version that you may read, in their order."""
    found = get_object_or_404(DocumentVersion.objects.visible_to(request.user), pk=version_id)
    return found.chunks.order_by("ordinal")


@router.patch("/chunks/{uuid:chunk_id}", response=ChunkOut)
def change_chunk(request: HttpRequest, chunk_id: UUID, wanted: CorrectionIn) -> Chunk:
    """Corrects a chunk's words, or takes it out of answers; what is not named stays."""
    require_curator(request)
    found = find_chunk(request, chunk_id)
    correct(found, text=wanted.text, is_enabled=wanted.is_enabled, actor=request.user)
    found.refresh_from_db()
    return found
