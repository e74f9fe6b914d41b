"""Labelled cases for attribution: claims with evidence, answers with people's judgement.

Reads two kinds of folders: `corpus.jsonl` with `questions.jsonl` (claims, each with SUPPORT or
CONTRADICT sentences of an abstract) and `human_evaluations.json` (answers rated for faithfulness).
Knows no attribution.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from chat.attribution import Source

SUPPORT, CONTRADICT, NEAR, RANDOM = "support", "contradict", "near", "random"


@dataclass(frozen=True)
class ClaimCase:
    """A sentence, the passage that it is put before, and what people say of the two.

    `near` is an abstract on the matter that says nothing of the claim, `random` any other.
    """

    claim: str
    source: Source
    label: str


@dataclass(frozen=True)
class JudgedAnswer:
    """An answer with its passages and the mean of people's ratings of its faithfulness."""

    text: str
    question: str
    sources: tuple[Source, ...]
    rating: float


def is_claims(folder: Path) -> bool:
    """Whether a folder holds claims with evidence."""
    return (folder / "corpus.jsonl").is_file()


def read_claims(folder: Path, *, is_train: bool = False) -> list[ClaimCase]:
    """Each claim with its evidence, or with an abstract without any; and one of chance."""
    corpus = {each["_id"]: each for each in _lines(folder / "corpus.jsonl")}
    claims = list(_lines(folder / ("questions_train.jsonl" if is_train else "questions.jsonl")))
    choice, keys = random.Random(1), sorted(corpus)
    cases = []
    for claim in claims:
        for key, label in _labels(claim).items():
            if key in corpus:
                cases.append(ClaimCase(claim["question"], _source(corpus[key]), label))
        other = corpus[choice.choice([key for key in keys if key not in claim["doc"]])]
        cases.append(ClaimCase(claim["question"], _source(other), RANDOM))
    return cases


def _labels(claim: dict[str, Any]) -> dict[str, str]:
    """What each abstract that the claim names says of it."""
    found = {str(key): NEAR for key in claim["doc"]}
    return found | {str(each["doc"]): each["label"].lower() for each in claim["evidence"]}


def _source(abstract: dict[str, Any]) -> Source:
    return Source(1, abstract["text"], abstract.get("title", ""))


def read_judgements(folder: Path, *, half: int | None = None) -> list[JudgedAnswer]:
    """Answers that people have rated; of every second task when a half is named."""
    content = json.loads((folder / "human_evaluations.json").read_text(encoding="utf-8"))
    documents = {each["document_id"]: each for each in content["documents"]}
    tasks = content["tasks"] if half is None else content["tasks"][half::2]
    by_id = {task["task_id"]: task for task in tasks}
    found = []
    for each in content["evaluations"]:
        ratings = each["annotations"].get("faithfulness", {}).values()
        if each["task_id"] not in by_id or not ratings:
            continue
        task = by_id[each["task_id"]]
        named = [documents[one["document_id"]] for one in task["contexts"]]
        sources = tuple(
            Source(marker, one["text"], one.get("title") or "")
            for marker, one in enumerate(named, 1)
        )
        rating = fmean(float(one["value"]) for one in ratings)
        question = task["input"][-1]["text"]
        found.append(JudgedAnswer(each["model_response"], question, sources, rating))
    return found


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines if line.strip())
