"""Questions and examples: answers stand where they are said to, and nothing leaks from one side."""

import json
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pypdfium2 import PdfDocument

from chat.prompts import DEFAULT_SYSTEM_PROMPT
from phi3site.demo import DATASET, DOCUMENTS, HELD_OUT, QUESTIONS, SMALL_DATASET
from phi3site.demo.facts import excerpts, page_of, read_facts, read_sources, reveals_held_out
from phi3site.demo.make_dataset import NOT_FOUND, SMALL, make_examples
from training.splits import choose_eval

MARKER = re.compile(r" \[(\d)\]\.$")


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[\w.]+", text.lower().rstrip("?.")))


def _question(example: dict[str, Any]) -> str:
    return example["messages"][-2]["content"].rpartition("Question: ")[2]


def _answer(example: dict[str, Any]) -> str:
    return example["messages"][-1]["content"]


def _held(text: str, key: str) -> bool:
    return re.search(rf"(?<![\w.,]){re.escape(key)}(?!\w)", text) is not None


@cache
def _page_texts(name: str) -> tuple[str, ...]:
    with PdfDocument(next(DOCUMENTS.glob(f"*/{name}"))) as book:
        texts = [page.get_textpage().get_text_range() for page in book]
    return tuple(" ".join(text.split()).lower() for text in texts)


golden = _lines(QUESTIONS)
examples = _lines(DATASET)
held_out = json.loads(HELD_OUT.read_text(encoding="utf-8"))["facts"]


def test_there_are_enough_questions_of_every_kind():
    answerable = [row for row in golden if not row["unanswerable"]]
    assert len(golden) >= 64
    assert len(golden) - len(answerable) >= 14
    assert sum(any(c.isdigit() for c in row["answer"]) for row in answerable) * 3 >= len(golden)
    assert len({row["id"] for row in golden}) == len(golden)
    files = {path.name for path in DOCUMENTS.glob("*/*")}
    assert {row["doc"] for row in answerable} == files


def test_an_unanswerable_question_names_no_document():
    for row in golden:
        assert row["unanswerable"] == (row["doc"] is None) == (not row["key_facts"])
        assert row["collection"] in {"service", "office"}
        if row["doc"]:
            assert (DOCUMENTS / row["collection"] / row["doc"]).is_file()


@pytest.mark.parametrize("row", [row for row in golden if row["page"]], ids=lambda row: row["id"])
def test_the_page_of_a_question_holds_its_facts(row):
    page = _page_texts(row["doc"])[row["page"] - 1]
    for key in row["key_facts"]:
        assert key.lower() in page


def test_every_question_on_a_pdf_names_its_page():
    for row in golden:
        assert (row["page"] is not None) == str(row["doc"]).endswith(".pdf")


def test_there_are_enough_examples_of_every_kind():
    kinds = Counter(example["kind"] for example in examples)
    assert len(examples) >= 320
    assert kinds["closed"] > kinds["grounded"] > kinds["abstain"] >= 20
    assert 35 <= len(_lines(SMALL_DATASET)) <= 60


def test_the_files_are_what_the_facts_give():
    assert examples == make_examples()
    small = [fact for fact in read_facts() if fact.key in SMALL]
    assert len(small) == len(SMALL)
    assert _lines(SMALL_DATASET) == make_examples(small)


def test_no_golden_question_is_among_the_examples():
    asked = [_words(_question(example)) for example in examples]
    for row in golden:
        words = _words(row["question"])
        closest = max(len(words & other) / len(words | other) for other in asked)
        assert closest < 0.8, row["question"]


def test_held_out_facts_are_nowhere_in_the_dataset():
    keys = [key for fact in held_out for key in fact["keys"]]
    for example in examples:
        for key in keys:
            assert not _held(_answer(example), key), (key, _answer(example))
            assert not any(_held(turn["content"], key) for turn in example["messages"]), key


def test_held_out_facts_are_asked_by_golden_questions():
    by_id = {row["id"]: row for row in golden}
    assert len(held_out) >= 20
    for fact in held_out:
        assert fact["questions"]
        for name in fact["questions"]:
            assert by_id[name]["key_facts"] == fact["keys"]
            assert by_id[name]["doc"] == fact["doc"]


def test_a_key_is_only_found_as_a_whole():
    assert reveals_held_out("Tighten with 48 Nm.")
    assert not reveals_held_out("Tighten with 148 Nm.")


def test_a_grounded_answer_marks_the_passage_that_carries_it():
    evidence = {fact.grounded: fact.evidence for fact in read_facts()}
    checked = 0
    for example in examples:
        if example["kind"] != "grounded" or _question(example) not in evidence:
            continue
        marker = MARKER.search(_answer(example))[1]
        prompt = example["messages"][1]["content"]
        blocks = dict(re.findall(r"^\[(\d)\] (.*?)(?=\n\n\[\d\] |\n\nEnd )", prompt, re.M | re.S))
        wanted = evidence[_question(example)].replace("**", "")
        assert [number for number, block in blocks.items() if wanted in block] == [marker]
        checked += 1
    assert checked == len(read_facts())


def test_an_abstention_has_passages_and_no_marker():
    for example in examples:
        if example["kind"] == "abstain":
            assert _answer(example) == NOT_FOUND
            assert "\n[2] " in example["messages"][1]["content"]


def test_every_example_begins_with_the_system_prompt_of_the_chat():
    assert {example["messages"][0]["content"] for example in examples} == {DEFAULT_SYSTEM_PROMPT}


def test_passages_are_text_of_the_documents():
    for name, source in read_sources().items():
        if not source.file.endswith(".pdf"):
            continue
        words = set(re.findall(r"\w+", " ".join(_page_texts(source.file))))
        for excerpt in excerpts(name):
            assert set(re.findall(r"\w+", excerpt.text.lower())) <= words, excerpt.text
            assert excerpt.page == page_of(source.file, excerpt.text)


@pytest.mark.parametrize("path", [DATASET, SMALL_DATASET], ids=lambda path: path.name)
def test_holding_examples_back_leaves_each_fact_two_wordings(path):
    lines = _lines(path)
    answers = [MARKER.sub(".", _answer(line)) for line in lines]
    keys = [json.dumps(line["messages"]) for line in lines]
    held_back = choose_eval(keys, [line["source"] for line in lines])
    assert held_back
    kept = Counter(answer for at, answer in enumerate(answers) if at not in held_back)
    assert min(kept[answer] for answer in set(answers)) >= 2
