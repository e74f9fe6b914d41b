"""Chunks and embeddings → rows, and the version → ready: one transaction, all or nothing.

Rows go in by binary COPY. Knows no file and no model.
"""

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, transaction
from django.db.models.functions import Now
from numpy import float32
from numpy.typing import NDArray
from pgvector import HalfVector
from pgvector.psycopg import register_vector
from psycopg.types.json import Jsonb

from knowledge.attempts import Attempt
from knowledge.blocks import TableData
from knowledge.chunking import NewChunk
from knowledge.models import Chunk, ChunkEmbedding, Document, DocumentVersion, Encoder
from knowledge.registry import hold_active
from knowledge.serving import refresh_live
from knowledge.stems import language_of, stems_of
from knowledge.storing import store_tables
from knowledge.versions import enqueue_embedding
from phi3site.audit.recording import record

Status = DocumentVersion.Status

_CHUNK_COLUMNS = {
    "id": "uuid",
    "version_id": "uuid",
    "collection_id": "uuid",
    "is_live": "bool",
    "ordinal": "int4",
    "kind": "varchar",
    "text": "text",
    "context_text": "text",
    "stems": "text",
    "headings": "varchar[]",
    "page": "int4",
    "row_from": "int4",
    "row_to": "int4",
    "boxes": "jsonb",
    "tokens": "int4",
    "sha256": "varchar",
}
_EMBEDDING_COLUMNS = {"chunk_id": "uuid", "encoder_id": "int8", "vector": "halfvec"}


def publish(
    attempt: Attempt,
    chunks: Sequence[NewChunk],
    vectors: NDArray[float32],
    tables: Sequence[TableData],
    *,
    encoder: Encoder,
    switched_off: frozenset[int] = frozenset(),
) -> None:
    """Makes the version the document's ready one, in place of the one before it.

    `vectors` are those of the embedded chunks, in their order. Raises
    EncoderSwitched when they are of an encoder that is searched with no more.
    """
    version = attempt.version
    with transaction.atomic():
        hold_active(encoder)
        document = Document.objects.select_for_update(no_key=True).get(pk=version.document_id)
        # Chunks of an attempt that was undone by hand; an ordinary retry finds none.
        version.chunks.all().delete()
        version.tables.all().delete()
        is_newest = not document.versions.filter(
            number__gt=version.number, status=Status.READY
        ).exists()
        is_live = is_newest and document.state == Document.State.ACTIVE
        if is_newest:
            document.versions.filter(status=Status.READY).update(status=Status.SUPERSEDED)
        ids = [chunk_id(version, ordinal) for ordinal in range(len(chunks))]
        texts = [chunk.context_text for chunk in chunks]
        version.language = language_of(texts)
        stems = stems_of(texts, version.language)
        _copy(Chunk, _CHUNK_COLUMNS, _chunk_rows(ids, version, document, chunks, stems, is_live))
        version.chunks.filter(ordinal__in=switched_off).update(is_enabled=False, is_live=False)
        if is_newest:
            embedded = [key for key, new in zip(ids, chunks, strict=True) if new.is_embedded]
            encoders = [encoder.pk] * len(embedded)
            vector_rows = zip(embedded, encoders, map(HalfVector, vectors), strict=True)
            _copy(ChunkEmbedding, _EMBEDDING_COLUMNS, vector_rows)
        store_tables(version, tables, copy_into=_copy_into)
        attempt.write(
            status=Status.READY if is_newest else Status.SUPERSEDED,
            chunk_count=len(chunks),
            language=version.language,
            timings=attempt.timings_now(),
            heartbeat_at=None,
            ready_at=Now(),
        )
        for incomplete in refresh_live(document):
            enqueue_embedding(incomplete)
        details = {
            "chunks": len(chunks),
            "encoder": f"{encoder.name} {encoder.revision}".strip(),
            "sha256": version.sha256,
            "attempt": attempt.number,
        }
        record("document.ingested", target=version, details=details)


def chunk_id(version: DocumentVersion, ordinal: int) -> uuid.UUID:
    """The same for the same place in the same version, however often it is ingested."""
    return uuid.uuid5(version.pk, str(ordinal))


def _chunk_rows(
    ids: Sequence[uuid.UUID],
    version: DocumentVersion,
    document: Document,
    chunks: Sequence[NewChunk],
    stems: Sequence[str],
    is_live: bool,
) -> Iterable[tuple[Any, ...]]:
    for ordinal, (key, chunk, stem) in enumerate(zip(ids, chunks, stems, strict=True)):
        yield (
            key,
            version.pk,
            document.collection_id,
            is_live,
            ordinal,
            chunk.kind,
            chunk.text,
            chunk.context_text,
            stem,
            list(chunk.headings),
            chunk.page,
            chunk.row_from,
            chunk.row_to,
            Jsonb(list(chunk.boxes)),
            chunk.tokens,
            chunk.sha256,
        )


def _copy(model: type[Any], columns: dict[str, str], rows: Iterable[tuple[Any, ...]]) -> None:
    _copy_into(model._meta.db_table, columns, rows)


def _copy_into(table: str, columns: dict[str, str], rows: Iterable[tuple[Any, ...]]) -> None:
    """Binary COPY of rows whose values stand in the order of the columns."""
    with connection.cursor() as cursor:
        register_vector(connection.connection)
        statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN WITH (FORMAT BINARY)"
        with cursor.copy(statement) as copy:
            copy.set_types(list(columns.values()))
            for row in rows:
                copy.write_row(row)
