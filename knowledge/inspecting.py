"""A version as its curator looks at it: a stretch of the original, and the chunks cut from it.

A page of a PDF with the areas of its chunks, a stretch of a table's rows with theirs, else the text
itself. Knows requests only by their parameters.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Q, QuerySet

from knowledge.filetypes import PDF
from knowledge.grid import grid_context, number_in
from knowledge.models import Chunk, DocumentVersion, Table

CHUNKS_A_STRETCH = 25
# Beside a hundred rows of a table; more of them are behind the next stretch.
CHUNKS_BESIDE_ROWS = 120


@dataclass(frozen=True)
class Area:
    """Where a chunk stands on the page that is shown."""

    chunk: Chunk
    boxes: list[list[float]]


def inspect(version: DocumentVersion, asked: Mapping[str, str]) -> dict[str, Any]:
    """The context of the page: `original` is `pages`, `rows` or `text`; `chunks` go with it."""
    tables = list(version.tables.order_by("ordinal"))
    if version.media_type == PDF.media_type and version.page_count:
        return _page(version, asked)
    if tables:
        return _rows(version, tables, asked)
    found = version.chunks.order_by("ordinal")
    page = Paginator(found, CHUNKS_A_STRETCH).get_page(asked.get("page"))
    return {"original": "text", "page": page, "chunks": _with_history(version, list(page))}


def _page(version: DocumentVersion, asked: Mapping[str, str]) -> dict[str, Any]:
    """One page, with every chunk that stands on it; what stands on none is with the first."""
    pages: Page[int] = Paginator(range(1, (version.page_count or 1) + 1), 1).get_page(
        asked.get("page")
    )
    number = pages.number
    on_page = Q(page=number) | Q(boxes__contains=[{"page": number}])
    if number == 1:
        on_page |= Q(page__isnull=True)
    chunks = list(version.chunks.filter(on_page).order_by("ordinal"))
    areas = [
        Area(chunk, [entry["box"] for entry in chunk.boxes if entry["page"] == number])
        for chunk in chunks
    ]
    return {
        "original": "pages",
        "page": pages,
        "areas": [area for area in areas if area.boxes],
        "chunks": _with_history(version, chunks),
    }


def _rows(
    version: DocumentVersion, tables: Sequence[Table], asked: Mapping[str, str]
) -> dict[str, Any]:
    """A stretch of rows, with the chunks made of them; the table's summary is with the first."""
    grid = grid_context(tables, None, asked)
    table, numbers = grid["table"], [row.number for row in grid["rows"]] or [0]
    beside = Q(row_from__lte=numbers[-1], row_to__gte=numbers[0])
    if number_in(asked.get("page")) == 1:
        beside |= Q(row_from__isnull=True)
    found = _of_table(version.chunks.filter(beside), table, len(tables))
    chunks = list(found.order_by("ordinal")[:CHUNKS_BESIDE_ROWS])
    return grid | {"original": "rows", "chunks": _with_history(version, chunks)}


def _of_table(chunks: QuerySet[Chunk], table: Table, count: int) -> QuerySet[Chunk]:
    """Chunks of one sheet name it in their headings; those of an only one need not."""
    if count == 1:
        return chunks
    names = [table.name, f"{table.name} (hidden sheet)"]
    return chunks.filter(Q(headings__overlap=names) | Q(row_from__isnull=True))


def _with_history(version: DocumentVersion, chunks: list[Chunk]) -> list[Chunk]:
    """The chunks, with `revision_count` on each that a person has changed."""
    places = [chunk.ordinal for chunk in chunks]
    made = version.revisions.filter(ordinal__in=places).values_list("ordinal", flat=True)
    counts = list(made)
    for chunk in chunks:
        chunk.revision_count = counts.count(chunk.ordinal)  # type: ignore[attr-defined]
    return chunks
