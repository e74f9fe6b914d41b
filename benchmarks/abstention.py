"""How often an expert says that it found nothing: rightly, and wrongly.

`python benchmarks/abstention.py [FOLDER] [--dev] [--half 0|1] [--json OUT] [--keep NAME]`

FOLDER holds `docs/` and `questions.jsonl`, whose questions say `"unanswerable": true` (or
`"answerable": false`) where the documents hold no answer. Without one it takes the demo's documents
with its golden questions, or with `--dev` the questions of its dataset, by which the rules were
made. The documents go the way of every upload, the questions through the product's own search and
judgement; no model is asked.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.throwaway import site

if TYPE_CHECKING:
    from benchmarks.retrieval_loading import Loaded


@dataclass(frozen=True)
class Asked:
    """A question, and whether the documents hold its answer."""

    text: str
    is_answerable: bool


@dataclass(frozen=True)
class Judged:
    """What became of it, and why."""

    asked: Asked
    is_abstention: bool
    why: str = ""

    @property
    def is_right(self) -> bool:
        """Whether it abstains where it should, and nowhere else."""
        return self.is_abstention != self.asked.is_answerable


def main() -> None:
    """Loads, asks, prints."""
    options = _options()
    with site(keep=options.keep):
        questions = list(_questions(options.folder, is_dev=options.dev))
        questions = questions[options.half :: 2] if options.half is not None else questions
        loaded = _load(options.folder)
        judged = [_judge(asked, loaded) for asked in questions[: options.limit]]
    figures = measure(judged)
    if options.json:
        told = [{**each.asked.__dict__, "abstains": each.is_abstention, "why": each.why}
                for each in judged]  # fmt: skip
        options.json.write_text(json.dumps({**figures, "questions": told}, indent=2) + "\n")
    _print(figures, judged)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("folder", type=Path, nargs="?", help="docs/ and questions.jsonl")
    parser.add_argument("--dev", action="store_true", help="the demo's questions to choose by")
    parser.add_argument("--half", type=int, choices=(0, 1), help="every second question")
    parser.add_argument("--limit", type=int, help="questions, from the first")
    parser.add_argument("--json", type=Path, help="where figures and questions go")
    parser.add_argument("--keep", default="", help="keep the documents under this name")
    return parser.parse_args()


def _questions(folder: Path | None, *, is_dev: bool) -> Iterator[Asked]:
    from phi3site.demo import FOLDER as DEMO
    from phi3site.demo.facts import read_facts, read_unknown

    if folder is None and is_dev:
        yield from (Asked(fact.grounded, True) for fact in read_facts())
        yield from (Asked(question, False) for _, question in read_unknown())
        return
    with ((folder or DEMO) / "questions.jsonl").open(encoding="utf-8") as lines:
        yield from (_asked(json.loads(line)) for line in lines if line.strip())


def _asked(row: dict[str, Any]) -> Asked:
    text = str(row.get("question") or row.get("text"))
    if "unanswerable" in row:
        return Asked(text, not row["unanswerable"])
    return Asked(text, bool(row.get("answerable", row.get("is_answerable", True))))


def _load(folder: Path | None) -> "Loaded":
    from benchmarks.retrieval_forms import Folder
    from benchmarks.retrieval_loading import load
    from phi3site.demo import DOCUMENTS

    below = folder / "docs" if folder else DOCUMENTS
    files = {str(path.relative_to(below)): path for path in sorted(below.rglob("*"))}
    named = {name: path for name, path in files.items() if path.is_file()}
    return load(Folder(below.parent.name, "documents", ("document",), [], files=named))


def _judge(asked: Asked, loaded: "Loaded") -> Judged:
    from chat.attribution import Source
    from chat.experts import RetrievalSettings
    from chat.quoting import rank_sentences
    from chat.relevance import weigh, why_not
    from knowledge import embedding
    from knowledge.registry import row_of
    from knowledge.retrieval import retrieve

    chosen = RetrievalSettings()
    found = retrieve(
        asked.text,
        user=loaded.reader,
        collections=[loaded.collection.pk],
        limit=chosen.passages,
        candidates=chosen.candidates,
    )
    sources = [
        Source(marker, one.text, " ".join([one.document_title, *one.headings]))
        for marker, one in enumerate(found.passages, start=1)
    ]
    encoder = embedding.get_encoder()
    encode, likeness = encoder.encode_passages, row_of(encoder).likeness
    sentences = rank_sentences(asked.text, sources, encode=encode, likeness=likeness)
    evidence = weigh(asked.text, found.passages)
    why = why_not(asked.text, found.passages, evidence, sentences, chosen)
    return Judged(asked, bool(why), why)


def measure(judged: Sequence[Judged]) -> dict[str, Any]:
    """Precision and recall of abstaining, and how often it abstains wrongly."""
    counts = Counter((each.asked.is_answerable, each.is_abstention) for each in judged)
    right, wrong = counts[False, True], counts[True, True]
    missing = right + counts[False, False]
    return {
        "unanswerable": missing,
        "answerable": len(judged) - missing,
        "rightly": right,
        "wrongly": wrong,
        "precision": round(right / (right + wrong), 4) if right + wrong else None,
        "recall": round(right / missing, 4) if missing else None,
    }


def _print(figures: dict[str, Any], judged: Sequence[Judged]) -> None:
    print(f"abstains on {figures['rightly']} of {figures['unanswerable']} unanswerable questions")
    print(f"abstains on {figures['wrongly']} of {figures['answerable']} answerable ones")
    print(f"precision {figures['precision']}, recall {figures['recall']}")
    for each in judged:
        if not each.is_right:
            word = "abstained wrongly" if each.asked.is_answerable else "answered"
            print(f"  {word}: {each.asked.text}" + (f" ({each.why})" if each.why else ""))


if __name__ == "__main__":
    main()
