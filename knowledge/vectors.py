"""Vectors of chunks that answer questions and lack one: after a correction, or from the past.

Until they are there such a chunk is found by its words alone. Safe to run twice, and at once.
"""

import logging
from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from numpy import float32
from numpy.typing import NDArray
from pgvector import HalfVector

from knowledge import embedding
from knowledge.errors import EncoderSwitched
from knowledge.models import Chunk, ChunkEmbedding, DocumentVersion, Encoder
from knowledge.registry import hold_active, row_of

BATCH = 64

logger = logging.getLogger(__name__)


def fill_vectors(version_id: UUID) -> int:
    """Embeds what a version lacks; the number of vectors made."""
    encoder = embedding.get_encoder()
    row = row_of(encoder)
    live = Chunk.objects.filter(version=version_id, is_live=True).exclude(kind=Chunk.Kind.ROWS)
    lacking = live.exclude(pk__in=ChunkEmbedding.objects.filter(encoder=row).values("chunk"))
    made = 0
    while batch := list(lacking.order_by("ordinal")[:BATCH]):
        vectors = encoder.encode_passages([chunk.context_text for chunk in batch])
        try:
            with transaction.atomic():
                hold_active(row)
                made += store_vectors(batch, vectors, row)
        except EncoderSwitched:
            # The version still says that it lacks vectors: the next turn makes the right ones.
            return made
    with transaction.atomic():
        version = (
            DocumentVersion.objects.select_for_update(no_key=True).filter(pk=version_id).first()
        )
        if version is not None and not lacking.exists():
            DocumentVersion.objects.filter(pk=version_id).update(lacks_vectors=False)
    return made


@transaction.atomic
def store_vectors(batch: Sequence[Chunk], vectors: NDArray[float32], encoder: Encoder) -> int:
    """Keeps the vectors of chunks that are still as they were when they were read."""
    ids = [chunk.pk for chunk in batch]
    now = dict(
        Chunk.objects.select_for_update(no_key=True).filter(pk__in=ids).values_list("pk", "sha256")
    )
    rows = [
        ChunkEmbedding(chunk=chunk, encoder=encoder, vector=HalfVector(vector))
        for chunk, vector in zip(batch, vectors, strict=True)
        if now.get(chunk.pk) == chunk.sha256
    ]
    return len(ChunkEmbedding.objects.bulk_create(rows, ignore_conflicts=True))
