"""The benchmark reads labelled cases and counts verdicts as they are."""

import json

import pytest

from benchmarks.attribution import auc, judge_answers, judge_claims, precision_recall
from benchmarks.attribution_cases import is_claims, read_claims, read_judgements
from tests.fakes import HashEncoder

ABSTRACTS = [
    {"_id": "1", "title": "Seals", "text": "Oil reduces the wear of seals. Water was not tested."},
    {"_id": "2", "title": "Bananas", "text": "Bananas grow in tropical climates."},
]
CLAIMS = [
    {"id": "a", "question": "Oil reduces the wear of seals.", "doc": ["1"],
     "evidence": [{"doc": "1", "label": "SUPPORT"}]},
    {"id": "b", "question": "Oil increases the wear of seals.", "doc": ["1"],
     "evidence": [{"doc": "1", "label": "CONTRADICT"}]},
    {"id": "c", "question": "Seals are made of rubber.", "doc": ["1"], "evidence": []},
]  # fmt: skip


def lines(path, rows):
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")


@pytest.fixture
def claims(tmp_path):
    lines(tmp_path / "corpus.jsonl", ABSTRACTS)
    lines(tmp_path / "questions.jsonl", CLAIMS)
    lines(tmp_path / "questions_train.jsonl", CLAIMS[:1])
    return tmp_path


def test_each_claim_stands_before_its_abstract_and_before_another(claims):
    cases = read_claims(claims)
    assert [(case.label, case.source.context) for case in cases] == [
        ("support", "Seals"), ("random", "Bananas"),
        ("contradict", "Seals"), ("random", "Bananas"),
        ("near", "Seals"), ("random", "Bananas"),
    ]  # fmt: skip
    assert len(read_claims(claims, is_train=True)) == 2 and is_claims(claims)


def test_claims_are_judged_by_the_products_own_verdicts(claims):
    figures = judge_claims(read_claims(claims), HashEncoder().encode_passages)
    assert figures["verdicts"]["support"] == {"supported": 1}
    assert figures["verdicts"]["contradict"] == {"unsupported": 1}
    assert figures["verdicts"]["random"] == {"unsupported": 3}
    assert figures["supported"] == {"precision": 1.0, "recall": 1.0}
    assert figures["auc"]["contradict"] == figures["auc"]["random"] == 1.0


@pytest.fixture
def judgements(tmp_path):
    def rated(text, *marks):
        ratings = {str(n): {"value": str(mark)} for n, mark in enumerate(marks)}
        return {"task_id": "t", "model_response": text, "annotations": {"faithfulness": ratings}}

    content = {
        "documents": [{"document_id": "1", "text": ABSTRACTS[0]["text"], "title": None}],
        "tasks": [
            {"task_id": "t", "input": [{"text": "What does oil do?"}],
             "contexts": [{"document_id": "1"}]},
            {"task_id": "other", "input": [{"text": "?"}], "contexts": []},
        ],
        "evaluations": [
            rated("Oil reduces the wear of seals.", 4, 4, 4),
            rated("Oil increases the wear of seals.", 2, 1),
            rated("Bananas are yellow fruits.", 1),
            {**rated("No.", 1), "task_id": "gone"},
        ],
    }  # fmt: skip
    (tmp_path / "human_evaluations.json").write_text(json.dumps(content), encoding="utf-8")
    return tmp_path


def test_answers_come_with_the_mean_of_their_ratings(judgements):
    found = read_judgements(judgements)
    assert [answer.rating for answer in found] == [4.0, 1.5, 1.0]
    assert found[0].sources[0].text == ABSTRACTS[0]["text"]
    assert len(read_judgements(judgements, half=0)) == 3
    assert read_judgements(judgements, half=1) == [] and not is_claims(judgements)


def test_their_order_is_compared_with_peoples(judgements):
    figures = judge_answers(read_judgements(judgements), HashEncoder().encode_passages)
    assert (figures["answers"], figures["spearman"]) == (3, 1.0)


def test_precision_and_recall_and_auc_by_hand():
    verdicts = {"support": {"supported": 3, "weak": 1}, "random": {"supported": 1, "weak": 4}}
    assert precision_recall(verdicts, "support", ["supported"]) == {
        "precision": 0.75, "recall": 0.75,
    }  # fmt: skip
    assert precision_recall({}, "support", ["weak"]) == {"precision": 0.0, "recall": 0.0}
    assert auc([2, 3], [1, 2]) == 0.875
    assert auc([], [1]) == 0.0
