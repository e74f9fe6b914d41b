"""An optional second look at the candidates, behind one door.

Knows no document; the implementation loads its model library on first use.
"""

from collections.abc import Sequence
from functools import cache
from typing import Protocol

from django.conf import settings


class Reranker(Protocol):
    """Scores passages by reading them together with the query."""

    name: str

    def score(self, query: str, texts: Sequence[str]) -> list[float]:
        """One score per text; higher is better."""
        ...


@cache
def get_reranker() -> Reranker | None:
    """The configured reranker, loaded once a process; None when there is none."""
    if not settings.KNOWLEDGE_RERANKER:
        return None
    from knowledge.encoders import load_reranker

    return load_reranker(settings.KNOWLEDGE_RERANKER)
