"""Figures of a ranking against what is relevant; pure functions.

A ranking is a list of units, best first: what a question asks for is a set of units with grades.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import log2

DEPTHS = (1, 5, 10, 100)


@dataclass(frozen=True)
class Figures:
    """Means over questions, each 0..1."""

    ndcg10: float
    recall: dict[int, float]
    mrr: float
    questions: int


def ndcg(ranking: Sequence[Hashable], gold: Mapping[Hashable, float], depth: int = 10) -> float:
    """Normalised discounted cumulative gain with linear gains (Järvelin, Kekäläinen 2002)."""
    gains = [gold.get(unit, 0.0) for unit in ranking[:depth]]
    best = sorted(gold.values(), reverse=True)[:depth]
    ideal = _discounted(best)
    return _discounted(gains) / ideal if ideal else 0.0


def _discounted(gains: Sequence[float]) -> float:
    return sum(gain / log2(place + 1) for place, gain in enumerate(gains, 1))


def recall(ranking: Sequence[Hashable], gold: Mapping[Hashable, float], depth: int) -> float:
    """Share of the relevant units among the first `depth`."""
    return len(set(ranking[:depth]) & gold.keys()) / len(gold) if gold else 0.0


def reciprocal_rank(ranking: Sequence[Hashable], gold: Mapping[Hashable, float]) -> float:
    """1 / the place of the first relevant unit, 0 when there is none."""
    return next((1 / place for place, unit in enumerate(ranking, 1) if unit in gold), 0.0)


def measure(
    rankings: Sequence[Sequence[Hashable]], golds: Sequence[Mapping[Hashable, float]]
) -> Figures:
    """The means over all questions."""
    pairs = list(zip(rankings, golds, strict=True))
    count = len(pairs) or 1
    return Figures(
        ndcg10=sum(ndcg(ranking, gold) for ranking, gold in pairs) / count,
        recall={
            depth: sum(recall(ranking, gold, depth) for ranking, gold in pairs) / count
            for depth in DEPTHS
        },
        mrr=sum(reciprocal_rank(ranking, gold) for ranking, gold in pairs) / count,
        questions=len(pairs),
    )
