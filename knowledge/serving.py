"""Which versions of a document answer questions, and on which days.

The newest finished version answers from its first day on; the one before it answers until that
day. Recomputed as a whole after every act that may change it, in the act's own transaction.
"""

from datetime import date

from knowledge.models import Chunk, ChunkEmbedding, Document, DocumentVersion

Status = DocumentVersion.Status


def refresh_live(document: Document) -> list[DocumentVersion]:
    """Sets what answers; returns the versions of which some chunks lack their embedding."""
    is_active = document.state == Document.State.ACTIVE
    finished = document.versions.filter(status__in=(Status.READY, Status.SUPERSEDED))
    until: date | None = None
    is_replaced, incomplete = False, []
    for version in finished.order_by("-number"):
        first = version.effective_from
        is_served = not is_replaced and (until is None or first is None or first < until)
        _set_until(version, until if is_served else None)
        _set_live(version, is_served and is_active)
        if is_served and lacks_embeddings(version):
            incomplete.append(version)
        if not is_served:
            # Vectors that no search reads only make the index larger; they can be made again.
            ChunkEmbedding.objects.filter(chunk__version=version).delete()
        if first is None:
            is_replaced = True
        else:
            until = min(until or first, first)
    return incomplete


def lacks_embeddings(version: DocumentVersion) -> bool:
    """Whether a chunk that answers questions has no vector at all, though its kind has one."""
    live = version.chunks.filter(is_live=True).exclude(kind=Chunk.Kind.ROWS)
    return live.filter(embeddings__isnull=True).exists()


def _set_until(version: DocumentVersion, until: date | None) -> None:
    if version.effective_until != until:
        DocumentVersion.objects.filter(pk=version.pk).update(effective_until=until)
        version.effective_until = until


def _set_live(version: DocumentVersion, is_live: bool) -> None:
    """Touches only chunks that change; one that was switched off stays off."""
    chunks = Chunk.objects.filter(version=version)
    if is_live:
        chunks.filter(is_enabled=True, is_live=False).update(is_live=True)
        chunks.filter(is_enabled=False, is_live=True).update(is_live=False)
    else:
        chunks.filter(is_live=True).update(is_live=False)
