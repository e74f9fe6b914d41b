"""The one SQL statement of a search: dense and keyword candidates, fused.

Who may read is part of the statement, before anything is ranked. Knows no model: it is given the
query's vector, and returns rows.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import QuerySet
from numpy import float32
from numpy.typing import NDArray
from pgvector import HalfVector

from knowledge.fillers import without_fillers
from knowledge.fusing import BY_RANK, BY_SCORE
from knowledge.indexes import (
    KEYWORD_INDEX,
    STEMS_INDEX,
    WORDS,
    has_bm25,
    keyword_gap,
    keyword_lexemes,
)
from knowledge.models import Collection, Encoder
from knowledge.stems import question_stems

# Up to here an exact scan is faster than the index, and misses nothing.
EXACT_LIMIT = 25_000
# BM25 looks up so many of the best chunks at first, visible or not; when too few are visible, it
# begins again with twice as many.
REACH, LONGEST_REACH = 500, 50_000
# More left-out versions than this stay a subquery.
HIDDEN_LIMIT = 2_000

# Compiling a plan costs more than running it, and a search beside others has one core.
_SETTINGS = "SET LOCAL jit = off; SET LOCAL max_parallel_workers_per_gather = 0"

_COUNT = """
SELECT count(*) FROM (
    SELECT 1 FROM knowledge_chunk c
    WHERE c.is_live AND {visible} LIMIT %s
) AS visible
"""

_SEARCH = """
WITH dense AS (
    SELECT id, row_number() OVER (ORDER BY distance, id) AS rank
    FROM (
        SELECT c.id, e.vector::halfvec({dimensions}) <=> %s AS distance
        FROM knowledge_chunkembedding e JOIN knowledge_chunk c ON c.id = e.chunk_id
        WHERE e.encoder_id = {encoder} AND c.is_live AND {visible}
        ORDER BY (e.vector::halfvec({dimensions}) <=> %s) {exact} LIMIT %s
    ) AS nearest
), keyword AS (
    SELECT id, score, row_number() OVER (ORDER BY score DESC, id) AS rank FROM ({keyword}) AS hits
    WHERE score > 0
), found AS (
    SELECT hits.*, 1 - (e.vector::halfvec({dimensions}) <=> %s) AS dense_score
    FROM (
        SELECT id, d.rank AS dense_rank, k.rank AS keyword_rank, k.score AS keyword_score
        FROM dense d FULL JOIN keyword k USING (id)
    ) AS hits
    LEFT JOIN knowledge_chunkembedding e ON e.chunk_id = hits.id AND e.encoder_id = {encoder}
), fused AS ({fused})
SELECT c.id AS chunk_id, c.version_id, v.document_id, c.collection_id, c.text, c.context_text,
    c.sha256, c.kind, t.title AS document_title, v.number AS version_number,
    v.sha256 AS file_sha256, v.media_type, c.headings, c.page, c.row_from, c.row_to, c.boxes,
    c.tokens, f.dense_rank, f.dense_score, f.keyword_rank, f.keyword_score,
    f.fused_score::float8, row_number() OVER (ORDER BY f.fused_score DESC, c.id) AS fused_rank
FROM fused f
JOIN knowledge_chunk c ON c.id = f.id
JOIN knowledge_documentversion v ON v.id = c.version_id
JOIN knowledge_document t ON t.id = v.document_id
ORDER BY f.fused_score DESC, c.id
"""

# Under a plain limit, the scan would begin with a reach of so few, whatever is visible; with a
# condition that can be estimated, the planner might do without the index. The outer limit tells it
# how few rows there will be.
_INDEXED = """
SELECT * FROM (
    SELECT c.id, -(c.{column} <@> to_bm25query(%s, '{index}')) AS score
    FROM knowledge_chunk c WHERE c.is_live{held} AND coalesce({{visible}}, false)
    ORDER BY c.{column} <@> to_bm25query(%s, '{index}') LIMIT (SELECT {{limit}})
) AS best LIMIT %s
"""

# Few among many: scoring each of them costs less than passing all the others.
_OF_FEW = """
SELECT c.id, -(c.{column} <@> to_bm25query(%s, '{index}')) AS score
FROM knowledge_chunk c WHERE c.is_live{held} AND {{visible}}
ORDER BY (c.{column} <@> to_bm25query(%s, '{index}')) + 0 LIMIT %s
"""

_WORDS = {"column": "context_text", "index": KEYWORD_INDEX, "held": ""}
_STEMS = {"column": "stems", "index": STEMS_INDEX, "held": " AND c.stems <> ''"}
_BM25, _BM25_OF_FEW = _INDEXED.format(**_WORDS), _OF_FEW.format(**_WORDS)
_STEMS_BM25, _STEMS_OF_FEW = _INDEXED.format(**_STEMS), _OF_FEW.format(**_STEMS)

# A passage's words and its stems both speak for it.
_BOTH = """
SELECT id, sum(score) AS score FROM (({words}) UNION ALL ({stems})) AS forms
WHERE score > 0 GROUP BY id ORDER BY score DESC, id LIMIT %s
"""

_FULL_TEXT = f"""
SELECT c.id, ts_rank_cd(to_tsvector('{WORDS}', c.context_text), q, 1) AS score
FROM knowledge_chunk c, CAST(%s AS tsquery) q
WHERE c.is_live AND {{visible}}
    AND to_tsvector('{WORDS}', c.context_text) @@ q
ORDER BY score DESC, c.id LIMIT %s
"""


# In place of the keyword ranking, where its index must not be asked.
_NOTHING = "SELECT NULL::uuid AS id, NULL::float8 AS score"


class Searched(NamedTuple):
    """How many chunks were searched (counted up to `EXACT_LIMIT` + 1), and the candidates."""

    chunks: int
    rows: list[dict[str, Any]]
    # Why words were left out of it, for people; empty when they weren't.
    gap: str = ""


def search(
    query: str,
    vector: NDArray[float32],
    *,
    allowed: QuerySet[Collection],
    hidden: QuerySet[Any, Any],
    encoder: Encoder,
    limit: int,
) -> Searched:
    """The fused candidates of a question.

    `allowed` is a queryset of collections, `hidden` one of ids of versions that are left out all
    the same; both are read anew for each search.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        visible, visible_params = visibility(allowed, hidden)
        cursor.execute(_SETTINGS)
        cursor.execute(_COUNT.format(visible=visible), [*visible_params, EXACT_LIMIT + 1])
        searched = int(cursor.fetchone()[0])
        if not searched:
            return Searched(0, [])
        is_exact = searched <= EXACT_LIMIT
        if not is_exact:
            _widen_index_scan(cursor, limit)
        gap = keyword_gap(cursor) if has_bm25() else ""
        keyword, keyword_params = _NOTHING, list[Any]()
        if not gap:
            keyword, keyword_params = _keyword(query, visible, visible_params, searched, limit)
        near = HalfVector(vector).to_text()
        statement = _SEARCH.format(
            visible=visible,
            keyword=keyword,
            fused=BY_SCORE if has_bm25() else BY_RANK,
            encoder=int(encoder.pk),
            dimensions=int(encoder.dimensions),
            exact="+ 0" if is_exact else "",
        )
        params = [near, *visible_params, near, limit, *keyword_params, near]
        cursor.execute(statement, params)
        names = [column[0] for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        return Searched(searched, rows, gap)


def visibility(allowed: QuerySet[Collection], hidden: QuerySet[Any, Any]) -> tuple[str, list[Any]]:
    """The condition on a chunk `c` that makes it a candidate, and its parameters.

    Ids instead of subqueries: the planner knows how many chunks a collection has, but not which
    collections a subquery will give, and then reads every chunk for the sake of a few.
    """
    collections = list(allowed.order_by().values_list("pk", flat=True))
    if not collections:
        raise EmptyResultSet
    left_out, left_out_params = hidden.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"{left_out} LIMIT %s", [*left_out_params, HIDDEN_LIMIT + 1])
        versions = [version for (version,) in cursor.fetchall()]
    condition, params = "c.collection_id = ANY(%s)", [collections]
    if len(versions) > HIDDEN_LIMIT:
        return f"{condition} AND c.version_id NOT IN ({left_out})", [*params, *left_out_params]
    if versions:
        return f"{condition} AND c.version_id <> ALL(%s)", [*params, versions]
    return condition, params


def _widen_index_scan(cursor: Any, limit: int) -> None:
    """Lets the HNSW scan go on until the filters have left enough rows."""
    cursor.execute("SET LOCAL hnsw.iterative_scan = 'relaxed_order'")
    cursor.execute(f"SET LOCAL hnsw.ef_search = {max(200, 4 * limit)}")
    cursor.execute("SET LOCAL hnsw.max_scan_tuples = 200000")


def _keyword(
    query: str, visible: str, visible_params: Sequence[Any], searched: int, limit: int
) -> tuple[str, list[Any]]:
    """The keyword branch and its parameters: BM25 where the extension is, else full text."""
    asked, query = query, without_fillers(query)
    if has_bm25():
        words = _bm25(searched, limit)
        statement = words.format(visible=visible, limit=int(limit))
        params = [query, *visible_params, query, limit]
        if stems := question_stems(asked):
            other = _STEMS_OF_FEW if words == _BM25_OF_FEW else _STEMS_BM25
            other = other.format(visible=visible, limit=int(limit))
            statement = _BOTH.format(words=statement, stems=other)
            params += [stems, *visible_params, stems, limit, limit]
        return statement, params
    lexemes = keyword_lexemes(query)
    return _FULL_TEXT.format(visible=visible), [lexemes, *visible_params, limit]


def _bm25(searched: int, limit: int) -> str:
    """The cheaper of the two statements; the index scan is told how far it has to reach."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT reltuples FROM pg_class WHERE oid = to_regclass(%s)", [KEYWORD_INDEX]
        )
        total = max(int(cursor.fetchone()[0]), searched)
        if searched**2 < total:
            return _BM25_OF_FEW
        # Beyond EXACT_LIMIT nobody counted: there the first reach is nearly always enough.
        needed = 1.5 * limit * total / searched if searched <= EXACT_LIMIT else 0
        reach = int(min(max(needed, REACH), LONGEST_REACH))
        cursor.execute(f"SET LOCAL pg_textsearch.default_limit = {reach}")
    return _BM25
