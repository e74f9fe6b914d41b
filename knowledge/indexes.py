"""The search indexes: which there are, and making the ones that are missing.

BM25 where the database has pg_textsearch, else full text; one HNSW index per encoder, made once
an exact scan would be slow. Knows no query but the words of one.
"""

import logging
from functools import cache
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from psycopg import sql
from psycopg.errors import DiskFull

from knowledge.models import ChunkEmbedding, Encoder

KEYWORD_INDEX = "chunk_bm25"
# Of the words of other languages; both are made, marked and renewed together.
STEMS_INDEX = "chunk_stems_bm25"
FULL_TEXT_INDEX = "chunk_full_text"
# How words are compared: English stems, no accents (migration 0008).
WORDS = "public.knowledge_words"
# Rows of one encoder from which on a graph index pays (see searching.EXACT_LIMIT).
HNSW_FROM = 20_000
# A word in more chunks than this says little and costs much: full text leaves it out.
COMMON_FROM = 2_000
LOCK = 7_203_145
# The last one that is renewed, and so the mark of all, comes first.
_BM25_INDEXES = {
    KEYWORD_INDEX: f"bm25 (context_text) WITH (text_config = '{WORDS}') WHERE is_live",
    STEMS_INDEX: (
        "bm25 (stems) WITH (text_config = 'pg_catalog.simple') WHERE is_live AND stems <> ''"
    ),
}
# What is said where BM25 is left out of a search.
STALE = (
    "The database was started, and the keyword index is not made anew yet: until an ingestion "
    "worker has done it, passages are found by meaning alone."
)
_LIFE = (
    "(SELECT extract(epoch FROM pg_postmaster_start_time())::text || ' ' || "
    "coalesce(extract(epoch FROM stats_reset)::text, '') FROM pg_stat_bgwriter)"
)
# Where there is a BM25 index at all.
_IS_STALE = (
    "to_regclass(%s) IS NOT NULL AND "
    f"obj_description(to_regclass(%s), 'pg_class') IS DISTINCT FROM {_LIFE}"
)

logger = logging.getLogger(__name__)


@cache
def has_bm25() -> bool:
    """Whether keyword search is BM25 here; asked once a process."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [KEYWORD_INDEX])
        return bool(cursor.fetchone()[0])


def ensure_keyword_index(**_: Any) -> None:
    """Makes the index of the words of live chunks; runs after every migration."""
    with connection.cursor() as cursor:
        # Not before the first migrations, nor after the way back to an older site.
        cursor.execute(
            "SELECT to_regclass('knowledge_chunk') IS NOT NULL "
            "AND EXISTS (SELECT 1 FROM pg_ts_config WHERE cfgname = %s)",
            [WORDS.partition(".")[2]],
        )
        if not cursor.fetchone()[0]:
            return
        if _bm25_is_possible(cursor):
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_textsearch")
            for name, statement in _BM25_INDEXES.items():
                cursor.execute("SELECT to_regclass(%s) IS NULL", [name])
                if cursor.fetchone()[0]:
                    cursor.execute(f"CREATE INDEX {name} ON knowledge_chunk USING {statement}")
                    _mark(cursor, name)
        else:
            cursor.execute(
                f"CREATE INDEX IF NOT EXISTS {FULL_TEXT_INDEX} ON knowledge_chunk "
                f"USING gin (to_tsvector('{WORDS}', context_text)) WHERE is_live"
            )
    has_bm25.cache_clear()


def renew_keyword_index() -> bool:
    """Makes the BM25 index anew after each start of the database; True when it did.

    pg_textsearch 1.0 keeps how many words there are in memory alone: after a restart its index
    finds nothing, and after a crash it lacks the last passages. Beside searches and writes; of
    several workers one does it. Not inside a transaction.
    """
    if not has_bm25():
        return False
    with connection.cursor() as cursor:
        if not keyword_gap(cursor):
            return False
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            return False
        try:
            logger.info("the database was started: making the keyword indexes anew")
            _drop_halves(cursor)
            # Before the index, not after: what is lost meanwhile by another start is seen.
            life = _life(cursor)
            for name in reversed(_BM25_INDEXES):
                cursor.execute(f"REINDEX INDEX CONCURRENTLY {name}")
                _mark(cursor, name, life)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
    return True


def keyword_gap(cursor: Any) -> str:
    """Why the keyword index must not be asked now, in words for people; empty when it may."""
    cursor.execute(f"SELECT {_IS_STALE}", [KEYWORD_INDEX, KEYWORD_INDEX])
    return STALE if cursor.fetchone()[0] else ""


def _life(cursor: Any) -> str:
    """When the server's memory began: its start, or its recovery from a crash of one process."""
    cursor.execute(f"SELECT {_LIFE}")
    return str(cursor.fetchone()[0])


def _mark(cursor: Any, name: str, life: str = "") -> None:
    comment = sql.Literal(life or _life(cursor)).as_string()
    cursor.execute(f"COMMENT ON INDEX {name} IS {comment}")


def _drop_halves(cursor: Any) -> None:
    """Removes what a renewal that was killed left behind."""
    cursor.execute(
        "SELECT indexrelid::regclass::text FROM pg_index "
        "WHERE indrelid = to_regclass('knowledge_chunk') AND indexrelid::regclass::text ~ %s",
        [f"^({'|'.join(_BM25_INDEXES)})_cc(new|old)"],
    )
    for (name,) in cursor.fetchall():
        cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")


def _bm25_is_possible(cursor: Any) -> bool:
    """The extension must be installed and loaded at the server's start."""
    cursor.execute(
        "SELECT current_setting('shared_preload_libraries') LIKE '%pg_textsearch%' AND EXISTS "
        "(SELECT 1 FROM pg_available_extensions WHERE name = 'pg_textsearch')"
    )
    return bool(cursor.fetchone()[0])


def keyword_lexemes(query: str) -> str:
    """The query's words that are rare enough, joined by OR, as the text of a tsquery."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT lexeme, (SELECT count(*) FROM (SELECT 1 FROM knowledge_chunk c "
            f"WHERE c.is_live AND to_tsvector('{WORDS}', c.context_text) "
            "@@ CAST(quote_literal(lexeme) AS tsquery) LIMIT %s) AS found) AS chunks "
            f"FROM unnest(to_tsvector('{WORDS}', %s)) ORDER BY chunks, lexeme",
            [COMMON_FROM + 1, query],
        )
        counted = cursor.fetchall()
    rare = [lexeme for lexeme, chunks in counted if 0 < chunks <= COMMON_FROM]
    return " | ".join("'" + lexeme.replace("'", "''") + "'" for lexeme in rare[:12])


def ensure_vector_index(encoder: Encoder) -> bool:
    """Makes the encoder's HNSW index once it is worth it; True when it made one.

    Builds beside searches and writes; of several workers one builds. Not inside a transaction.
    """
    if not lacks_vector_index(encoder):
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            return False
        try:
            logger.info("building %s", index_name(encoder))
            # A build that was killed leaves one that is never used.
            cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {index_name(encoder)}")
            _build_vector_index(cursor, encoder)
        finally:
            cursor.execute("RESET maintenance_work_mem")
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
    return True


def lacks_vector_index(encoder: Encoder) -> bool:
    """Whether the encoder has so many vectors that its index pays, and none that is complete."""
    rows = ChunkEmbedding.objects.filter(encoder=encoder)[:HNSW_FROM].count()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_index WHERE indisvalid AND indexrelid = to_regclass(%s)",
            [index_name(encoder)],
        )
        return rows >= HNSW_FROM and not cursor.fetchone()[0]


def drop_vector_index(encoder: Encoder) -> None:
    """Removes the encoder's HNSW index, if it has one. Not inside a transaction."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {index_name(encoder)}")


def index_name(encoder: Encoder) -> str:
    """The name of the encoder's HNSW index."""
    return f"embedding_hnsw_{encoder.pk:d}"


def _build_vector_index(cursor: Any, encoder: Encoder) -> None:
    """In memory while the graph fits into it: beyond that, building takes many times as long."""
    statement = (
        f"CREATE INDEX CONCURRENTLY {index_name(encoder)} ON knowledge_chunkembedding "
        f"USING hnsw ((vector::halfvec({int(encoder.dimensions)})) halfvec_cosine_ops) "
        f"WHERE encoder_id = {int(encoder.pk)}"
    )
    cursor.execute(f"SET maintenance_work_mem = '{int(settings.KNOWLEDGE_INDEX_MEMORY_MB)}MB'")
    try:
        cursor.execute(statement)
    except DatabaseError as error:
        if not isinstance(error.__cause__, DiskFull):
            raise
        # A container with little shared memory: one process alone needs none of it.
        cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {index_name(encoder)}")
        cursor.execute("SET max_parallel_maintenance_workers = 0")
        try:
            cursor.execute(statement)
        finally:
            cursor.execute("RESET max_parallel_maintenance_workers")
