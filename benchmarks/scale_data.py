"""A synthetic company for retrieval_scale: people, collections, chunks and clustered vectors.

Loaded by COPY into the product's own tables; the indexes are built afterwards. Knows no search.
"""

import math
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy import float16, float32
from numpy.typing import NDArray

DIMENSIONS, LATENT = 384, 64
CHUNKS_A_DOCUMENT, CHUNKS_A_CLUSTER, BLOCK = 100, 500, 10_000
# Share of all chunks that a person reads, and the share that the next collection adds.
VISIBLE = (0.005, 0.01, 0.1, 0.5, 1.0)
WORDS = 40
SYLLABLES = (
    *("ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu"),
    *("na", "pe", "qui", "ro", "su", "ta", "ve", "wi", "xo", "zu"),
)


@dataclass(frozen=True)
class Synthetic:
    """Points of a mixture: clusters in 64 dimensions, turned into 384 and blurred a little."""

    chunks: int
    seed: int = 7

    @cached_property
    def centres(self) -> NDArray[float32]:
        """The middle of each cluster, shape (clusters, LATENT)."""
        draw = np.random.default_rng(self.seed)
        count = max(10, self.chunks // CHUNKS_A_CLUSTER)
        return draw.standard_normal((count, LATENT), dtype=float32)

    @cached_property
    def turned(self) -> NDArray[float32]:
        """The map from LATENT to DIMENSIONS."""
        draw = np.random.default_rng(self.seed + 1)
        return draw.standard_normal((LATENT, DIMENSIONS), dtype=float32) / np.float32(8)

    @cached_property
    def vocabulary(self) -> list[str]:
        """8,000 words that are none."""
        return [a + b + c for a in SYLLABLES for b in SYLLABLES for c in SYLLABLES]

    def vectors(self, count: int, seed: int) -> NDArray[float16]:
        """Unit vectors as the database stores them, shape (count, DIMENSIONS)."""
        draw = np.random.default_rng([self.seed, seed])
        centres = self.centres[draw.integers(len(self.centres), size=count)]
        latent = centres + np.float32(0.7) * draw.standard_normal((count, LATENT), dtype=float32)
        points = latent @ self.turned
        points += np.float32(0.2) * draw.standard_normal((count, DIMENSIONS), dtype=float32)
        unit = points / np.linalg.norm(points, axis=1, keepdims=True)
        return np.asarray(unit, dtype=float16)

    def texts(self, count: int, seed: int, words: int = WORDS) -> list[str]:
        """Words as often as in language without its function words (Zipf and Mandelbrot)."""
        draw = np.random.default_rng([self.seed, seed, 2])
        weights = 1 / (np.arange(len(self.vocabulary)) + 20)
        ends = np.cumsum(weights / weights.sum())[:-1]
        ranks = np.searchsorted(ends, draw.random((count, words)))
        return [" ".join(self.vocabulary[rank] for rank in row) for row in ranks]

    def blocks(self) -> Iterator[tuple[int, int]]:
        """(first chunk, number of chunks) of each block."""
        for start in range(0, self.chunks, BLOCK):
            yield start, min(BLOCK, self.chunks - start)


def chunk_id(number: int) -> uuid.UUID:
    """The id of the n-th chunk; its number is the id's whole number."""
    return uuid.UUID(int=number)


def visible_to(share: float, data: Synthetic) -> int:
    """How many chunks a person with that share reads: whole documents."""
    return CHUNKS_A_DOCUMENT * math.ceil(share * data.chunks / CHUNKS_A_DOCUMENT)


def make_people(data: Synthetic) -> list[tuple[float, int, Any]]:
    """(share, chunks visible, person): each next person reads one collection more."""
    from django.contrib.auth.models import Group, User

    from knowledge.models import Collection

    people, groups = [], []
    for share in VISIBLE:
        group = Group.objects.create(name=f"Readers of {share:.1%}")
        collection = Collection.objects.create(name=f"Up to {share:.1%}")
        collection.readers.add(group)
        groups.append(group)
        person = User.objects.create_user(f"reader-{share}")
        person.groups.set(groups)
        people.append((share, visible_to(share, data), person))
    return people


def load(data: Synthetic, people: list[tuple[float, int, Any]], encoder: Any) -> None:
    """Documents of a hundred chunks, by collection; chunk and vector rows by binary COPY."""
    from django.db import connection
    from pgvector.psycopg import register_vector

    versions = list(_make_documents(data, people))
    connection.ensure_connection()
    register_vector(connection.connection)
    with connection.cursor() as cursor:
        # Loading first and building afterwards is what makes this a matter of minutes.
        cursor.execute("DROP INDEX IF EXISTS chunk_bm25, chunk_stems_bm25, chunk_full_text")
        for start, count in data.blocks():
            _copy_chunks(cursor, data, versions, start, count)
            _copy_vectors(cursor, data, encoder.pk, start, count)


def _make_documents(
    data: Synthetic, people: list[tuple[float, int, Any]]
) -> Iterator[tuple[Any, Any]]:
    """(version, collection) of each hundred chunks."""
    from knowledge.models import Collection, Document, DocumentVersion

    collections = list(Collection.objects.order_by("created_at"))
    documents, versions = [], []
    for first in range(0, data.chunks, CHUNKS_A_DOCUMENT):
        place = next(i for i, (_, visible, _) in enumerate(people) if first < visible)
        document = Document(collection=collections[place], title=f"Document {first}")
        version = DocumentVersion(
            document=document, number=1, status="ready", size=1, sha256="0" * 64
        )
        documents.append(document)
        versions.append(version)
    Document.objects.bulk_create(documents, batch_size=1000)
    DocumentVersion.objects.bulk_create(versions, batch_size=1000)
    for version in versions:
        yield version.pk, version.document.collection_id


CHUNK_COLUMNS = {
    **{"id": "uuid", "version_id": "uuid", "collection_id": "uuid", "is_live": "bool"},
    **{"ordinal": "int4", "kind": "varchar", "text": "text", "context_text": "text"},
    **{"headings": "varchar[]", "boxes": "jsonb", "tokens": "int4", "sha256": "varchar"},
}


def _copy_chunks(
    cursor: Any, data: Synthetic, versions: list[tuple[Any, Any]], start: int, count: int
) -> None:
    from psycopg.types.json import Jsonb

    columns = ", ".join(CHUNK_COLUMNS)
    statement = f"COPY knowledge_chunk ({columns}) FROM STDIN WITH (FORMAT BINARY)"
    with cursor.copy(statement) as copy:
        copy.set_types(list(CHUNK_COLUMNS.values()))
        for number, text in enumerate(data.texts(count, start), start):
            version, collection = versions[number // CHUNKS_A_DOCUMENT]
            row = (chunk_id(number), version, collection, True, number % CHUNKS_A_DOCUMENT)
            copy.write_row((*row, "text", text, text, [], Jsonb([]), WORDS, "0" * 64))


def _copy_vectors(cursor: Any, data: Synthetic, encoder: int, start: int, count: int) -> None:
    from pgvector import HalfVector

    statement = (
        "COPY knowledge_chunkembedding (chunk_id, encoder_id, vector) "
        "FROM STDIN WITH (FORMAT BINARY)"
    )
    with cursor.copy(statement) as copy:
        copy.set_types(["uuid", "int8", "halfvec"])
        for number, vector in enumerate(data.vectors(count, start), start):
            copy.write_row((chunk_id(number), encoder, HalfVector(vector)))
