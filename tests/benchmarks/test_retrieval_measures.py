from math import log2

import pytest

from benchmarks.retrieval_measures import measure, ndcg, recall, reciprocal_rank


def test_ndcg_counts_grade_and_place():
    assert ndcg(["a", "b"], {"a": 1.0}) == 1.0
    assert ndcg(["b", "a"], {"a": 1.0}) == pytest.approx(1 / log2(3))
    best = 2 + 1 / log2(3)
    assert ndcg(["b", "a"], {"a": 2.0, "b": 1.0}) == pytest.approx((1 + 2 / log2(3)) / best)


def test_ndcg_looks_at_ten_only():
    ranking = [f"x{n}" for n in range(10)] + ["a"]
    assert ndcg(ranking, {"a": 1.0}) == 0.0
    assert ndcg(ranking, {}) == 0.0


def test_recall_is_the_share_of_what_is_wanted():
    assert recall(["a", "x", "b"], {"a": 1, "b": 1, "c": 1}, 3) == pytest.approx(2 / 3)
    assert recall(["a"], {}, 3) == 0.0


def test_the_first_that_is_wanted_counts_for_mrr():
    assert reciprocal_rank(["x", "b", "a"], {"a": 1, "b": 1}) == 0.5
    assert reciprocal_rank(["x"], {"a": 1}) == 0.0


def test_figures_are_means_over_questions():
    figures = measure([["a"], ["x", "a"]], [{"a": 1.0}, {"a": 1.0}])
    assert (figures.mrr, figures.recall[1], figures.recall[5]) == (0.75, 0.5, 1.0)
    assert figures.questions == 2
