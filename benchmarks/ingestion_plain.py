"""What a plain script makes of the same PDFs: the yardstick of ingestion_speed.py.

pypdf's text, a recursive character splitter, sentence-transformers' `encode`, `executemany`. Knows
nothing of the product but the folder of its encoder.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.ingestion_meter import Meter

CHUNK, OVERLAP = 1_000, 200
SEPARATORS = ("\n\n", "\n", " ", "")


def ingest_plainly(path: Path, model: Any, meter: Meter) -> list[str]:
    """The text of each page, in a table of chunks with their vectors at the end."""
    from django.db import connection
    from pypdf import PdfReader

    with meter.stage("extract"):
        pages = [page.extract_text() or "" for page in PdfReader(path).pages]
    with meter.stage("chunk"):
        chunks = list(split("\n\n".join(pages)))
    with meter.stage("embed"):
        vectors = model.encode(chunks, show_progress_bar=False, normalize_embeddings=True)
    with meter.stage("index"), connection.cursor() as cursor:
        width = vectors.shape[1]
        cursor.execute(f"CREATE TEMPORARY TABLE IF NOT EXISTS plain (t text, v vector({width}))")
        rows = [
            (chunk, str(vector.tolist())) for chunk, vector in zip(chunks, vectors, strict=True)
        ]
        cursor.executemany("INSERT INTO plain VALUES (%s, %s::vector)", rows)
    meter.chunks += len(chunks)
    return pages


def split(text: str, separators: tuple[str, ...] = SEPARATORS) -> Iterator[str]:
    """Pieces of at most CHUNK characters, cut at the coarsest sign that does, with an overlap."""
    sign, *finer = separators
    held = ""
    for part in (
        text.split(sign) if sign else [text[i : i + CHUNK] for i in range(0, len(text), CHUNK)]
    ):
        if held and len(held) + len(sign) + len(part) > CHUNK:
            yield held
            held = _tail(held, sign) if len(part) <= CHUNK - OVERLAP else ""
        if len(part) > CHUNK and finer:
            pieces = list(split(part, tuple(finer)))
            yield from pieces[:-1]
            held = pieces[-1] if pieces else ""
        else:
            held = f"{held}{sign}{part}" if held else part
    if held.strip():
        yield held


def _tail(text: str, sign: str) -> str:
    """The last whole parts that are no longer than the overlap."""
    start = text.find(sign, max(0, len(text) - OVERLAP)) if sign else -1
    return text[start + len(sign) :] if start >= 0 else ""
