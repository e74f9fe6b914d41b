"""Which documents a question names: those come first among near-identical ones.

“Apple's net sales in Q3 2022” names a report by its company and its period; the passages of its
twenty siblings speak of net sales just as well. A word counts by how few of the candidates'
documents have it in their name (title and what tells them apart). Pure functions.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from math import log

from knowledge.passages import FoundPassage

# What a passage gains at most when the question names its document.
WORTH = 0.35
# Between the parts of what stands before a passage: title › subject › headings.
PARTS, JOINT = 2, " › "
# A shorter word of a name must begin with a capital or hold a digit: "of" names nothing.
SHORTEST = 4
_WORD = re.compile(r"\w+")


def named_first(query: str, found: Sequence[FoundPassage]) -> list[FoundPassage]:
    """The candidates by their fused score, raised where the question names the document.

    Where nearly each candidate is a document of its own, its name is but a part of its text, and
    counts less. The fused scores and ranks become those of the new order.
    """
    shares = _shares(query, found)
    documents = len({passage.document_id for passage in found})
    weight = WORTH * (1 - documents / len(found)) if found else 0.0
    for passage, share in zip(found, shares, strict=True):
        passage.scores["fused"]["score"] *= 1 + weight * share
    ordered = sorted(found, key=lambda passage: -passage.scores["fused"]["score"])
    for rank, passage in enumerate(ordered, start=1):
        passage.scores["fused"]["rank"] = rank
    return ordered


def _shares(query: str, found: Sequence[FoundPassage]) -> list[float]:
    """Of each candidate, how much of what the question names at all is in its document's name."""
    asked = {word.casefold() for word in _WORD.findall(query)}
    names = [_name_words(passage) & asked for passage in found]
    holders: defaultdict[str, set[object]] = defaultdict(set)
    for passage, words in zip(found, names, strict=True):
        for word in words:
            holders[word].add(passage.document_id)
    documents = len({passage.document_id for passage in found})
    worth = {word: log(documents / len(held)) for word, held in holders.items()}
    total = sum(worth.values())
    if not total:
        return [0.0] * len(found)
    return [sum(worth[word] for word in words) / total for words in names]


def _name_words(passage: FoundPassage) -> set[str]:
    """The words of a document's name that can tell it apart."""
    line = passage.context_text.split("\n", 1)[0]
    if not passage.document_title or not line.startswith(passage.document_title):
        return set()
    words = _WORD.findall(" ".join(line.split(JOINT)[:PARTS]))
    return {
        word.casefold()
        for word in words
        if len(word) >= SHORTEST or not word.islower() or any(map(str.isdigit, word))
    }
