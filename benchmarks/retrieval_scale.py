"""Claim: whatever share of the chunks a person may read, the search is fast and misses little.

    python benchmarks/retrieval_scale.py [--chunks 1000000] [--queries 100] [--keep NAME]

Loads synthetic chunks with clustered vectors into a database of its own and asks through the
product's own search: dense and keyword in one statement, with the rights inside. Five people read
0.5 %, 1 %, 10 %, 50 % and 100 % of the chunks. Prints per share: milliseconds of CPU of the
database process and of the clock, recall@10 of the dense half against an exact scan in numpy, and
what the indexes cost. A database that is kept is asked again without being loaded again.
"""

import argparse
import statistics
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy import float32
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.scale_data import (
    CHUNKS_A_DOCUMENT,
    DIMENSIONS,
    VISIBLE,
    Synthetic,
    load,
    make_people,
    visible_to,
)
from benchmarks.throwaway import site

TOP, CANDIDATES = 10, 50
# Seed of the questions, far from those of the blocks.
QUESTIONS = 10**9


@dataclass
class Asked:
    """What one person's questions took and found."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    # Numbers of the chunks found by the dense half, best first, per question.
    found: list[list[int]] = field(default_factory=list)
    searched: int = 0


def build_indexes(encoder: Any) -> None:
    """Builds and prints what each index took and how large it is."""
    from django.db import connection

    from knowledge.indexes import ensure_keyword_index, ensure_vector_index, index_name

    for name, build in (
        ("chunk_bm25", ensure_keyword_index),
        (index_name(encoder), lambda: ensure_vector_index(encoder)),
    ):
        start = time.perf_counter()
        build()
        seconds = time.perf_counter() - start
        with connection.cursor() as cursor:
            cursor.execute("SELECT coalesce(pg_relation_size(to_regclass(%s)), 0)", [name])
            print(f"{name:<24}{seconds:>10.0f} s{cursor.fetchone()[0] / 1e6:>10.0f} MB", flush=True)


def ask(person: Any, encoder: Any, texts: list[str], vectors: NDArray[np.float16]) -> Asked:
    """Every question once, in the name of one person."""
    from django.utils import timezone

    from knowledge.models import Collection, DocumentVersion
    from knowledge.searching import search

    asked, day, clock = Asked(), timezone.localdate(), BackendClock()
    for text, vector in zip(texts, vectors, strict=True):
        start, cpu = time.perf_counter(), clock.milliseconds()
        asked.searched, rows, _gap = search(
            text,
            vector.astype(float32),
            allowed=Collection.objects.visible_to(person),
            hidden=DocumentVersion.objects.hidden_from(person, on=day),
            encoder=encoder,
            limit=CANDIDATES,
        )
        asked.wall.append((time.perf_counter() - start) * 1000)
        asked.cpu.append(clock.milliseconds() - cpu)
        dense = sorted((row["dense_rank"], row["chunk_id"]) for row in rows if row["dense_rank"])
        asked.found.append([key.int for _rank, key in dense[:TOP]])
    return asked


class BackendClock:
    """CPU of the database process that answers this connection, where it runs on this host."""

    def __init__(self) -> None:
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            self._path = Path(f"/proc/{cursor.fetchone()[0]}/schedstat")

    def milliseconds(self) -> float:
        """Since the process began; not a number when it runs elsewhere."""
        try:
            return int(self._path.read_text().split()[0]) / 1e6
        except OSError:
            return float("nan")


def recall(data: Synthetic, asked: Asked, visible: int, vectors: NDArray[np.float16]) -> float:
    """Share of the ten nearest visible chunks, by an exact scan, that were found."""
    queries = vectors.astype(float32)
    best = np.full((len(queries), TOP), -1.0, dtype=float32)
    likeness: list[dict[int, float]] = [{} for _ in queries]
    for start, count in data.blocks():
        if start >= visible:
            break
        block = data.vectors(count, start)[: visible - start].astype(float32)
        scores = queries @ block.T / np.linalg.norm(block, axis=1)
        best = np.sort(np.concatenate([best, np.sort(scores, axis=1)[:, -TOP:]], axis=1))[:, -TOP:]
        for place, found in enumerate(asked.found):
            inside = [n for n in found if start <= n < start + len(block)]
            likeness[place] |= {n: float(scores[place, n - start]) for n in inside}
    hits = 0
    for place, found in enumerate(asked.found):
        # As near as the tenth, within the rounding of half precision, is as good as the tenth.
        hits += sum(likeness[place][n] >= best[place, 0] - 1e-4 for n in found)
    return hits / (TOP * len(queries))


def measure(data: Synthetic, encoder: Any, people: list[Any], queries: int) -> None:
    """One line per person."""
    vectors = data.vectors(queries, QUESTIONS)
    texts = data.texts(queries, QUESTIONS, words=6)
    print(f"\n{'visible':>8}{'chunks':>10}{'cpu ms':>9}{'p50 ms':>9}{'p95 ms':>9}{'recall@10':>11}")
    for share, visible, person in people:
        ask(person, encoder, texts[:5], vectors[:5])  # caches and plans, as in a running site
        asked = ask(person, encoder, texts, vectors)
        p95 = statistics.quantiles(asked.wall, n=20)[-1]
        print(
            f"{share:>8.1%}{visible:>10,}{statistics.mean(asked.cpu):>9.1f}"
            f"{statistics.median(asked.wall):>9.1f}{p95:>9.1f}"
            f"{recall(data, asked, visible, vectors):>11.3f}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--chunks", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--memory", type=int, default=3000, help="MB for building the index")
    parser.add_argument("--keep", default="", help="use this database again, and leave it")
    options = parser.parse_args()
    if options.chunks % CHUNKS_A_DOCUMENT:
        parser.error(f"--chunks must be a multiple of {CHUNKS_A_DOCUMENT}")
    with site(keep=options.keep):
        from django.conf import settings

        settings.KNOWLEDGE_INDEX_MEMORY_MB = options.memory
        run(Synthetic(options.chunks), options.queries)


def run(data: Synthetic, queries: int) -> None:
    """Loads what is not there yet, then measures."""
    from django.contrib.auth.models import User
    from django.db import connection

    from knowledge.models import Encoder

    encoder, is_new = Encoder.objects.get_or_create(
        name="synthetic", revision="1", dimensions=DIMENSIONS, state="active"
    )
    if is_new:
        start = time.perf_counter()
        people = make_people(data)
        load(data, people, encoder)
        print(f"{data.chunks:,} chunks loaded in {time.perf_counter() - start:.0f} s", flush=True)
        build_indexes(encoder)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
            cursor.execute("SELECT pg_database_size(current_database())")
            print(f"{'database':<24}{'':>12}{cursor.fetchone()[0] / 1e6:>10.0f} MB")
    else:
        named = {share: User.objects.get(username=f"reader-{share}") for share in VISIBLE}
        people = [(share, visible_to(share, data), named[share]) for share in VISIBLE]
    measure(data, encoder, people, queries)


if __name__ == "__main__":
    main()
