"""Two levels of a document, its summaries and its content, in one search.

A summary that was found speaks for its document's passages; itself it answers only questions
about the whole. The summary of a table says what no row says, and counts as content. Pure
functions.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from knowledge.passages import Dropped, FoundPassage

# What a passage gains at most from the summary of its document.
WORTH = 0.1
# In the media types of table files, whose summaries say what no row says.
TABLES = ("csv", "tab-separated", "spreadsheet", "ms-excel")
_WHOLE = re.compile(
    r"\b(summar(y|ies|i[sz]e[ds]?|i[sz]ing)|overview|outline|gist|main (points?|topics?|ideas?)"
    r"|key (points?|takeaways?)|what (is|are|was) (this|that|the|these|those) (\w+ ){1,4}about"
    r"|what does (this|that|the) (\w+ ){1,4}(cover|deal with)|tldr"
    r"|zusammenfass\w*|überblick|worum geht|hauptpunkte|résum\w+|aperçu|de quoi parle"
    r"|resum(en|e|ir)\b|de qué trata|riassu\w+|panoramica|di cosa parla|samenvat\w*)",
    re.IGNORECASE,
)


def is_about_the_whole(query: str) -> bool:
    """Whether a question asks what a document says as a whole."""
    return bool(_WHOLE.search(query))


def is_summary(passage: FoundPassage) -> bool:
    """Whether the passage sums up text that stands in other passages."""
    is_of_table = any(mark in passage.media_type for mark in TABLES)
    return passage.kind == "summary" and not is_of_table


def both_levels(
    query: str, found: Sequence[FoundPassage]
) -> tuple[list[FoundPassage], list[Dropped]]:
    """The candidates for the prompt, best first, and the summaries that only spoke for others.

    The fused scores and ranks become those of the new order.
    """
    best: defaultdict[UUID, float] = defaultdict(float)
    for passage in found:
        if is_summary(passage):
            score = passage.scores["fused"]["score"]
            best[passage.document_id] = max(best[passage.document_id], score)
    top = max((passage.scores["fused"]["score"] for passage in found), default=0.0)
    for passage in found:
        if top and not is_summary(passage):
            passage.scores["fused"]["score"] *= 1 + WORTH * best[passage.document_id] / top
    ordered = sorted(found, key=lambda passage: -passage.scores["fused"]["score"])
    for rank, passage in enumerate(ordered, start=1):
        passage.scores["fused"]["rank"] = rank
    if is_about_the_whole(query):
        return ordered, []
    content = [passage for passage in ordered if not is_summary(passage)]
    return content, [Dropped(passage, "summary") for passage in ordered if is_summary(passage)]
