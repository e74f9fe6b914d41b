"""Makes the fine-tuning datasets from the facts: `python -m phi3site.demo.make_dataset`.

Three kinds of examples: `closed` (a question without passages), `grounded` (the very prompt that
chat builds, the answer quotes its passage) and `abstain` (the passages don't hold the answer).
The same sources always give the same files.
"""

import hashlib
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Literal, TypedDict

from chat.engine import Message
from chat.prompts import PromptPassage, build_messages
from phi3site.demo import DATASET, SMALL_DATASET
from phi3site.demo.facts import (
    Excerpt,
    Fact,
    excerpts,
    find_excerpt,
    read_facts,
    read_sources,
    read_unknown,
)

NOT_FOUND = "I did not find this in the documents."
# Its facts are asked most, as the rules of safety matter most. It thus gives more than a quarter of
# the examples: then training measures on single examples held back, not on whole documents, whose
# facts would be taught to nobody.
THOROUGH = "safety-manual.md"
SMALL = (
    "heron-40-seal", "e22", "green-tag", "kettle", "fox", "check-in", "warm-hour", "thistle",
)  # fmt: skip


class DatasetLine(TypedDict):
    """One line of the file."""

    messages: list[Message]
    source: str
    kind: Literal["closed", "grounded", "abstain"]


def make_examples(facts: Sequence[Fact] | None = None) -> list[DatasetLine]:
    """Every fact in all its wordings, then the questions without an answer."""
    if facts is not None:
        return [example for fact in facts for example in fact_examples(fact)]
    unknown = [abstain(source, question) for source, question in read_unknown()]
    return [*make_examples(read_facts()), *unknown]


def fact_examples(fact: Fact) -> Iterator[DatasetLine]:
    """Closed-book wordings, then questions with passages: one among many, others among few."""
    file = read_sources()[fact.source].file
    for wording in fact.wordings:
        yield _line(build_messages(wording), fact.answer, file, "closed")
    yield grounded(fact, fact.grounded, distractors=3)
    for wording in _asked_again(fact):
        yield grounded(fact, wording, distractors=1)


def grounded(fact: Fact, question: str, *, distractors: int) -> DatasetLine:
    """The fact's passage among others; the answer carries its marker."""
    random = Random(_number(question))
    carrying = find_excerpt(fact)
    shown = [carrying, *_distractors(fact, carrying, random, distractors)]
    random.shuffle(shown)
    marker = shown.index(carrying) + 1
    file = read_sources()[fact.source].file
    answer = f"{fact.answer.removesuffix('.')} [{marker}]."
    return _line(_ask(question, shown), answer, file, "grounded")


def abstain(source: str, question: str) -> DatasetLine:
    """Passages of the right document that don't hold the answer."""
    random = Random(_number(question))
    shown = random.sample(excerpts(source), 2)
    return _line(_ask(question, shown), NOT_FOUND, read_sources()[source].file, "abstain")


def write_dataset(path: Path, examples: Iterable[DatasetLine]) -> None:
    """One JSON object per line."""
    lines = (json.dumps(example, ensure_ascii=False) + "\n" for example in examples)
    path.write_text("".join(lines), encoding="utf-8")


def _asked_again(fact: Fact) -> Sequence[str]:
    """Wordings that come with passages too: two of a safety rule, one of half the rest."""
    if fact.source == THOROUGH:
        return fact.wordings[::2]
    return fact.wordings[1:2] if _number(fact.key) % 2 else ()


def _distractors(fact: Fact, carrying: Excerpt, random: Random, count: int) -> list[Excerpt]:
    """One passage of the same document, where it has another, and the rest from anywhere."""
    near = [e for e in excerpts(fact.source) if not _carries(e, fact, carrying)]
    names = sorted(read_sources())
    far = [excerpts(name) for name in random.sample(names, len(names)) if name != fact.source]
    chosen = random.sample(near, 1) if near else []
    return [*chosen, *(random.choice(some) for some in far if some)][:count]


def _carries(excerpt: Excerpt, fact: Fact, carrying: Excerpt) -> bool:
    """Whether the passage would answer too: the same text, or another cut of the same table."""
    head = carrying.text.splitlines()[0]
    return fact.evidence in excerpt.text or excerpt.text.startswith(head)


def _ask(question: str, shown: Sequence[Excerpt]) -> list[Message]:
    passages = [
        PromptPassage(marker, excerpt.title, excerpt.text, excerpt.page)
        for marker, excerpt in enumerate(shown, start=1)
    ]
    return build_messages(question, passages=passages, nonce=_digest(question)[:8])


def _line(
    messages: list[Message],
    answer: str,
    source: str,
    kind: Literal["closed", "grounded", "abstain"],
) -> DatasetLine:
    answered: list[Message] = [*messages, {"role": "assistant", "content": answer}]
    return {"messages": answered, "source": source, "kind": kind}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _number(text: str) -> int:
    return int(_digest(text)[:8], 16)


def main() -> None:
    """Writes both files and says how large they are."""
    small = [fact for fact in read_facts() if fact.key in SMALL]
    for path, examples in ((DATASET, make_examples()), (SMALL_DATASET, make_examples(small))):
        write_dataset(path, examples)
        sys.stdout.write(f"{len(examples):>4} examples in {path.name}\n")


if __name__ == "__main__":
    main()
