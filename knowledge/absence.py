"""Why a passage is not among those that a search found: the first reason that keeps it out.

In the order of the way: trash, rights, collections, versions, days, switched off, candidates,
choice. Knows no page.
"""

from datetime import date
from typing import Any
from uuid import UUID

from django.utils import timezone
from pgvector.django import CosineDistance

from knowledge import embedding
from knowledge.models import Chunk, ChunkEmbedding, Collection, Document, DocumentVersion
from knowledge.passages import Retrieval
from knowledge.registry import row_of

Status = DocumentVersion.Status
WORDS = {
    "trashed": "The document is in the trash.",
    "not_visible": "The person may not read this document: neither list can hold it.",
    "not_searched": "Its collection is not among those that were searched.",
    "not_ready": "No version of it is ready yet.",
    "superseded": "This passage is of an older version; a newer one answers.",
    "not_in_force": "It is not in force on the day that was searched.",
    "disabled": "The passage is switched off.",
    "below_candidates": "It was searched, but others were nearer by meaning and by words.",
    "duplicate": "It says nearly the same as a passage above it.",
    "document_cap": "Its document has had its share of the places.",
    "budget": "It does not fit into the rest of the token budget.",
    "rank": "It is among the candidates, but below the places that were asked for.",
    "summary": "It sums up other passages and spoke for them: the question is not on the whole.",
    "kept": "It is not absent: it is among the passages.",
}


def why_absent(
    document: Document,
    *,
    chunk_id: str | None,
    person: Any,
    collections: list[UUID],
    found: Retrieval,
    outcomes: dict[str, str],
) -> dict[str, Any]:
    """The reason with its words, the chunk that it is about, and that one's likeness."""
    day = found.as_of or timezone.localdate()
    code = _before_search(document, person, collections, day)
    chunk = _chunk(document, chunk_id, found, outcomes)
    if not code and chunk is None:
        code = "disabled" if _has_chunks(document) else "not_ready"
    if not code and chunk is not None:
        code = _of_chunk(chunk, person, day) or outcomes.get(str(chunk.pk), "below_candidates")
    return {
        "code": code,
        "words": WORDS[code],
        "document": str(document.pk),
        "chunk": str(chunk.pk) if chunk else None,
        "cosine": _cosine(chunk, found.query) if chunk else None,
        "last_cosine": _last_cosine(found),
    }


def _before_search(document: Document, person: Any, collections: list[UUID], day: date) -> str:
    """What keeps the whole document out."""
    if document.state != Document.State.ACTIVE:
        return "trashed"
    if not Document.objects.visible_to(person).filter(pk=document.pk).exists():
        return "not_visible"
    visible = Collection.objects.visible_to(person).filter(pk__in=collections)
    if not visible.filter(pk=document.collection_id).exists():
        return "not_searched"
    finished = document.versions.filter(status__in=(Status.READY, Status.SUPERSEDED))
    if not finished.exists():
        return "not_ready"
    in_force = DocumentVersion.objects.answering(person, on=day).filter(document=document)
    return "" if in_force.exists() else "not_in_force"


def _has_chunks(document: Document) -> bool:
    return Chunk.objects.filter(version__document=document).exists()


def _chunk(
    document: Document, chunk_id: str | None, found: Retrieval, outcomes: dict[str, str]
) -> Chunk | None:
    """The one that was asked for, else the document's best candidate, else its nearest chunk."""
    chunks = Chunk.objects.filter(version__document=document).select_related("version")
    if chunk_id:
        return chunks.filter(pk=chunk_id).first()
    ranked = [str(passage.chunk_id) for passage in found.ranked]
    best = sorted((one for one in outcomes if one in ranked), key=ranked.index)
    candidates = {str(chunk.pk): chunk for chunk in chunks.filter(pk__in=best)}
    first = next((candidates[one] for one in best if one in candidates), None)
    return first or _nearest(document, found.query)


def _nearest(document: Document, query: str) -> Chunk | None:
    encoder = embedding.get_encoder()
    vectors = ChunkEmbedding.objects.filter(
        encoder=row_of(encoder), chunk__version__document=document, chunk__is_live=True
    )
    near = vectors.order_by(CosineDistance("vector", encoder.encode_query(query)))
    found = near.select_related("chunk__version").first()
    if found is not None:
        return found.chunk
    return Chunk.objects.filter(version__document=document, is_live=True).first()


def _of_chunk(chunk: Chunk, person: Any, day: date) -> str:
    """What keeps this one out although its document may answer."""
    if not chunk.is_enabled:
        return "disabled"
    if not chunk.is_live:
        is_unfinished = chunk.version.is_unfinished
        return "not_ready" if is_unfinished else "superseded"
    hidden = DocumentVersion.objects.hidden_from(person, on=day)
    is_hidden = DocumentVersion.objects.filter(pk=chunk.version_id, pk__in=hidden).exists()
    return "not_in_force" if is_hidden else ""


def _cosine(chunk: Chunk, query: str) -> float | None:
    """How near it is by meaning; None while it has no vector."""
    encoder = embedding.get_encoder()
    vectors = ChunkEmbedding.objects.filter(encoder=row_of(encoder), chunk=chunk)
    distance = CosineDistance("vector", encoder.encode_query(query))
    near = vectors.annotate(distance=distance).values_list("distance", flat=True).first()
    return None if near is None else round(1 - near, 4)


def _last_cosine(found: Retrieval) -> float | None:
    """Of the last one that came among the candidates by meaning."""
    passages = [*found.ranked, *(one.passage for one in found.dropped)]
    scores = (p.scores["dense"] for p in passages if "dense" in p.scores)
    return min((round(score["score"], 4) for score in scores if score["rank"]), default=None)
