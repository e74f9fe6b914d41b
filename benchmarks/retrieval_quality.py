"""Claim: the passage that answers is found, by dense and keyword search together.

    python benchmarks/retrieval_quality.py FOLDER [--limit N] [--json OUT] [--keep NAME]

FOLDER has one of three forms: `corpus.jsonl` + `questions.jsonl` + `qrels/test.tsv`;
`passages.jsonl` + `questions.jsonl` that name a passage or a document; `docs/` with files +
`questions.jsonl` that name files, and pages or evidence in them where they can. Everything goes
the way of every upload into a throw-away collection and through `retrieve()`. Prints nDCG@10,
recall@1/5/10/100 and MRR by passage, page, evidence and document, each over the questions that
name what answers them as exactly as that, with seconds per stage.
`--limit` asks only the first N questions, of the whole collection.
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.retrieval_fields import FolderRefused
from benchmarks.retrieval_folders import read_folder
from benchmarks.retrieval_forms import Folder, Question
from benchmarks.retrieval_measures import measure
from benchmarks.throwaway import site

if TYPE_CHECKING:
    from benchmarks.retrieval_loading import Loaded
    from benchmarks.retrieval_units import Units
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
    measured, seconds = ask(folder, loaded)
    figures = {unit: _figures(one) for unit, one in measured.items()}
    for unit, values in figures.items():
        print(_table(unit, values))
    print(f"asking: {_stages(seconds)}; {len(folder.questions)} questions")
    unit = next(iter(figures))
    return {
        "folder": folder.name,
        "unit": unit,
        "figures": figures[unit],
        "by_unit": figures,
        "loading_seconds": dict(loaded.seconds),
        "asking_seconds": dict(seconds),
        "failed": loaded.failed,
        "warnings": folder.warnings,
        "questions": _details(measured),
    }


@dataclass
class Measured:
    """The questions that name what answers them as exactly as this; by kind of ranking what was
    found for each, and what had to be.
    """

    ids: list[str] = field(default_factory=list)
    golds: list[dict[Hashable, float]] = field(default_factory=list)
    rankings: dict[str, list[list[Hashable]]] = field(default_factory=dict)


def ask(folder: Folder, loaded: "Loaded") -> tuple[dict[str, Measured], dict[str, float]]:
    """Per unit what was found and wanted, question by question; seconds per stage."""
    from benchmarks.retrieval_loading import stored_chunks
    from benchmarks.retrieval_units import Units
    from knowledge.retrieval import retrieve

    units = Units(folder, loaded, stored_chunks(folder, loaded))
    _tell(units)
    seconds: defaultdict[str, float] = defaultdict(float)
    measured = {unit: Measured() for unit in folder.units}
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
        for unit, one in measured.items():
            if gold := units.gold(question, unit):
                one.ids.append(question.id)
                one.golds.append(gold)
                for kind in KINDS:
                    order = ordered(found.ranked, kind)
                    if order is not None:
                        ranking = units.ranking(order, question, unit)
                        one.rankings.setdefault(kind, []).append(ranking)
    return {unit: one for unit, one in measured.items() if one.ids}, seconds


def _tell(units: "Units") -> None:
    if units.first_page == 0:
        print("! The questions count pages from 0.")
    if units.lost:
        print(f"! {len(units.lost)} pieces of evidence stand nowhere in their files: not measured.")


def _figures(measured: Measured) -> dict[str, dict[str, Any]]:
    return {
        kind: asdict(measure(rankings, measured.golds))
        for kind, rankings in measured.rankings.items()
        # A kind of ranking that is there for some questions only is no measure.
        if len(rankings) == len(measured.golds)
    }


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


def _table(unit: str, figures: dict[str, dict[str, Any]]) -> str:
    head = f"\nby {unit:<9} nDCG@10     R@1     R@5    R@10   R@100     MRR       n"
    rows = [
        f"{kind:<12}{one['ndcg10']:>8.3f}"
        + "".join(f"{value:>8.3f}" for value in one["recall"].values())
        + f"{one['mrr']:>8.3f}{one['questions']:>8}"
        for kind, one in figures.items()
    ]
    if "reranked" not in figures:
        rows.append("reranked     no reranker is configured (KNOWLEDGE_RERANKER)")
    return "\n".join([head, *rows]) + "\n"


def _details(measured: dict[str, Measured]) -> list[dict[str, Any]]:
    """Per question the place of each wanted unit in each ranking; ids only, no texts."""
    details = []
    for by, one in measured.items():
        for index, key in enumerate(one.ids):
            places: dict[str, Any] = {}
            for kind, rankings in one.rankings.items():
                ranks = {unit: place for place, unit in enumerate(rankings[index], 1)}
                places[kind] = {str(unit): ranks.get(unit) for unit in one.golds[index]}
            details.append({"id": key, "by": by, "ranks": places})
    return details


if __name__ == "__main__":
    sys.exit(main())
