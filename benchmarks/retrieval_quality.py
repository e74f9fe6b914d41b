"""Claim: the passage that answers is found, by dense and keyword search together.

    python benchmarks/retrieval_quality.py FOLDER [--limit N] [--json OUT] [--keep NAME]

FOLDER has one of three forms: `corpus.jsonl` + `questions.jsonl` + `qrels/test.tsv`;
`passages.jsonl` + `questions.jsonl` that name a passage or a document; `docs/` with files +
`questions.jsonl` that name files, and pages or evidence in them where they can. Everything goes
the way of every upload into a throw-away collection and through `retrieve()`. Prints nDCG@10,
recall@1/5/10/100 and MRR by passage, page, evidence or document, with seconds per stage.
`--limit` asks only the first N questions, of the whole collection.
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.retrieval_fields import FolderRefused
from benchmarks.retrieval_folders import read_folder
from benchmarks.retrieval_forms import Folder, Question
from benchmarks.retrieval_measures import Figures, measure
from benchmarks.throwaway import site

if TYPE_CHECKING:
    from benchmarks.retrieval_loading import Loaded
    from knowledge.passages import FoundPassage

# The rankings, each by the score that a candidate carries.
KINDS = ("dense", "keyword", "hybrid", "reranked")
CANDIDATES = 100


def main() -> int:
    """Reads, loads, asks, prints; 2 when the folder can't be measured on."""
    options = _options()
    try:
        folder = read_folder(options.folder)
    except FolderRefused as refused:
        print(refused, file=sys.stderr)
        return 2
    if options.limit:
        folder.questions = folder.questions[: options.limit]
    try:
        with site(keep=options.keep):
            report = _run(folder)
    except KeyboardInterrupt:
        print("Stopped; the throw-away collection is removed.", file=sys.stderr)
        return 130
    if options.json:
        options.json.write_text(json.dumps(report, indent=1))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--limit", type=int, default=0, help="ask only the first N questions")
    parser.add_argument("--json", type=Path, help="write figures and rankings here")
    parser.add_argument("--keep", default="", help="keep the collection under this name")
    return parser.parse_args()


def _run(folder: Folder) -> dict[str, Any]:
    from benchmarks.retrieval_loading import load

    for warning in folder.warnings:
        print(f"! {warning}")
    start = perf_counter()
    loaded = load(folder)
    took = perf_counter() - start
    for name, reason in loaded.failed.items():
        print(f"! {name} could not be read: {reason}")
    print(_what(folder, loaded))
    print("loading: " + _stages(loaded.seconds) + f"; {took:.1f} s in all")
    rankings, seconds = ask(folder, loaded)
    figures = {kind: measure(*lists) for kind, lists in rankings.items()}
    print(_table(folder, figures))
    print(f"asking: {_stages(seconds)}; {len(folder.questions)} questions")
    return {
        "folder": folder.name,
        "unit": folder.unit,
        "figures": {kind: asdict(value) for kind, value in figures.items()},
        "loading_seconds": dict(loaded.seconds),
        "asking_seconds": dict(seconds),
        "failed": loaded.failed,
        "warnings": folder.warnings,
        "questions": _details(folder, rankings),
    }


Lists = tuple[list[list[Hashable]], list[dict[Hashable, float]]]


def ask(folder: Folder, loaded: "Loaded") -> tuple[dict[str, Lists], dict[str, float]]:
    """Per kind of ranking the units found and wanted, question by question; seconds per stage."""
    from benchmarks.retrieval_units import Units, gold_units
    from knowledge.retrieval import retrieve

    units = Units(folder, loaded)
    seconds: defaultdict[str, float] = defaultdict(float)
    rankings: dict[str, Lists] = {kind: ([], []) for kind in KINDS}
    for question in folder.questions:
        found = retrieve(
            standalone(question),
            user=loaded.reader,
            collections=[loaded.collection.pk],
            limit=10,
            candidates=CANDIDATES,
        )
        for stage, milliseconds in found.timings.items():
            seconds[stage] += milliseconds / 1000
        for kind in KINDS:
            if (order := ordered(found.ranked, kind)) is not None:
                rankings[kind][0].append(units.ranking(order, question))
                rankings[kind][1].append(gold_units(folder, question))
    return {kind: lists for kind, lists in rankings.items() if lists[0]}, seconds


def standalone(question: Question) -> str:
    """A follow-up as the product would search for it."""
    from chat.followups import standalone as made_standalone

    return made_standalone(question.text, question.earlier[-1] if question.earlier else None)


def ordered(found: "Sequence[FoundPassage]", kind: str) -> "list[FoundPassage] | None":
    """The candidates in the order of one ranking; None when there was no reranker."""
    if kind == "hybrid":
        return sorted(found, key=lambda one: one.scores["fused"]["rank"] or 0)
    if kind == "reranked":
        is_reranked = any("reranked" in one.scores for one in found)
        return list(found) if is_reranked or not found else None
    ranked = [one for one in found if kind in one.scores and one.scores[kind]["rank"]]
    return sorted(ranked, key=lambda one: one.scores[kind]["rank"] or 0)


def _what(folder: Folder, loaded: "Loaded") -> str:
    from knowledge.models import Chunk

    chunks = Chunk.objects.filter(collection=loaded.collection).count()
    pages = f", {loaded.pages:,} pages" if loaded.pages else ""
    return f"{folder.name}: {len(loaded.documents):,} documents{pages}, {chunks:,} chunks"


def _stages(seconds: dict[str, float]) -> str:
    return ", ".join(f"{stage} {value:.1f} s" for stage, value in seconds.items())


def _table(folder: Folder, figures: dict[str, Figures]) -> str:
    head = f"\nby {folder.unit:<9} nDCG@10     R@1     R@5    R@10   R@100     MRR"
    rows = [
        f"{kind:<12}{one.ndcg10:>8.3f}"
        + "".join(f"{value:>8.3f}" for value in one.recall.values())
        + f"{one.mrr:>8.3f}"
        for kind, one in figures.items()
    ]
    if "reranked" not in figures:
        rows.append("reranked     no reranker is configured (KNOWLEDGE_RERANKER)")
    return "\n".join([head, *rows]) + "\n"


def _details(folder: Folder, rankings: dict[str, Lists]) -> list[dict[str, Any]]:
    """Per question the place of each wanted unit in each ranking; ids only, no texts."""
    details = []
    for index, question in enumerate(folder.questions):
        places: dict[str, Any] = {}
        for kind, (lists, golds) in rankings.items():
            ranks = {unit: place for place, unit in enumerate(lists[index], 1)}
            places[kind] = {str(unit): ranks.get(unit) for unit in golds[index]}
        details.append({"id": question.id, "ranks": places})
    return details


if __name__ == "__main__":
    sys.exit(main())
