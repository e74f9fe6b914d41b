"""How many questions to tables are answered exactly, right and wrong, by kind of plan.

`python benchmarks/table_answers.py FOLDER [--limit N] [--half 0|1] [--open] [--json OUT]`

FOLDER holds `docs/` with table files and `questions.jsonl` with id, question, answer (a list) and
doc. Every file goes the product's own way into a collection of its own, in a database that is
removed at the end. By default a question is put to the tables of its document; with `--open` the
product's search finds the table too, among all of them.
"""

import argparse
import json
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

NAME = "Table answers"


@dataclass
class Report:
    """Counts of outcomes by kind of plan; `wrong` keeps what to look at."""

    kinds: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    wrong: list[dict[str, Any]] = field(default_factory=list)
    questions: int = 0
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """All figures."""
        total: Counter[str] = sum(self.kinds.values(), Counter())
        answered = total["right"] + total["wrong"]
        return {
            "questions": self.questions,
            "answered": answered,
            "right": total["right"],
            "wrong": total["wrong"],
            "not_answered": self.questions - answered,
            "precision": round(total["right"] / answered, 4) if answered else None,
            "coverage": round(answered / self.questions, 4) if self.questions else None,
            "milliseconds_per_question": round(1000 * self.seconds / max(1, self.questions), 1),
            "kinds": {kind: dict(counts) for kind, counts in sorted(self.kinds.items())},
            "wrong_answers": self.wrong,
        }


def main() -> None:
    """Loads, asks, reports."""
    from benchmarks.throwaway import site

    options = _options()
    questions = _questions(options.folder, options.limit, options.half)
    with site():
        versions = _load(options.folder, questions, load_all=options.open)
        report = _ask(questions, versions, is_open=options.open)
    figures = report.as_json()
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n")
    _print(figures)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--limit", type=int, help="questions, from the first")
    parser.add_argument("--half", type=int, choices=(0, 1), help="every second question")
    parser.add_argument("--open", action="store_true", help="the product finds the table")
    parser.add_argument("--json", type=Path, help="where all figures go")
    return parser.parse_args()


def _questions(folder: Path, limit: int | None, half: int | None) -> list[dict[str, Any]]:
    with (folder / "questions.jsonl").open(encoding="utf-8") as lines:
        found = [json.loads(line) for line in lines if line.strip()]
    return (found if half is None else found[half::2])[:limit]


def _load(folder: Path, questions: list[dict[str, Any]], *, load_all: bool) -> dict[str, Any]:
    """The documents, each ingested as an upload is; by file name."""
    from django.contrib.auth.models import Group, User
    from django.core.files import File

    from knowledge.ingestion import ingest
    from knowledge.models import Collection
    from knowledge.uploads import upload_document

    group = Group.objects.create(name=NAME)
    reader = User.objects.create_user("benchmark")
    reader.groups.add(group)
    collection = Collection.objects.create(name=NAME)
    collection.readers.add(group)
    asked = {Path(question["doc"]).name for question in questions}
    versions = {}
    started = perf_counter()
    for path in sorted((folder / "docs").iterdir()):
        if not load_all and path.name not in asked:
            continue
        with path.open("rb") as file:
            version = upload_document(collection, File(file, name=path.name), actor=reader)
        ingest(str(version.pk))
        version.refresh_from_db()
        versions[path.name] = version
        if version.status != "ready":
            print(f"{path.name}: {version.error}", file=sys.stderr)
    print(f"{len(versions)} documents read in {perf_counter() - started:.0f} s", file=sys.stderr)
    return {"versions": versions, "reader": reader}


def _ask(questions: list[dict[str, Any]], loaded: dict[str, Any], *, is_open: bool) -> Report:
    report = Report(questions=len(questions))
    for question in questions:
        started = perf_counter()
        if is_open:
            found = _found(question["question"], loaded["reader"])
        else:
            found = _told(question["question"], loaded["versions"][Path(question["doc"]).name])
        report.seconds += perf_counter() - started
        if found:
            _judge(report, question, *found)
    return report


def _told(question: str, version: Any) -> tuple[str, list[str], str] | None:
    """Kind, values and words of the one table of this document that answers."""
    from knowledge.exact.answering import ask_table

    tables = version.tables.select_related("version__document")
    answers = [found for table in tables if (found := ask_table(question, table))]
    if len(answers) != 1:
        return None
    return answers[0].plan.kind, answers[0].values, answers[0].words


def _found(question: str, reader: Any) -> tuple[str, list[str], str] | None:
    """The same from the passage that the product's search computes."""
    from knowledge.retrieval import retrieve

    for passage in retrieve(question, user=reader, collections=None).passages:
        if found := passage.computation:
            return found["kind"], found["result"], found["plan"]
    return None


def _judge(
    report: Report, question: dict[str, Any], kind: str, values: list[str], words: str
) -> None:
    from benchmarks.denotations import is_same

    is_right = is_same(values, [str(one) for one in question["answer"]])
    report.kinds[kind]["right" if is_right else "wrong"] += 1
    if not is_right:
        given = {"given": values, "expected": question["answer"], "plan": words}
        report.wrong.append({"id": question["id"], "question": question["question"], **given})


def _print(figures: dict[str, Any]) -> None:
    print(f"{'kind':<12} {'answered':>9} {'right':>6} {'wrong':>6} {'precision':>10}")
    rows = [*figures["kinds"].items(), ("all", figures)]
    for kind, counts in rows:
        right, wrong = counts.get("right", 0), counts.get("wrong", 0)
        answered = right + wrong
        share = f"{right / answered:.3f}" if answered else "-"
        print(f"{kind:<12} {answered:>9} {right:>6} {wrong:>6} {share:>10}")
    print(f"{figures['questions']} questions, {figures['not_answered']} not answered, ", end="")
    print(f"coverage {figures['coverage']}, {figures['milliseconds_per_question']} ms each")


if __name__ == "__main__":
    main()
