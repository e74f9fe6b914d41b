"""From a question to the passages that it may rest on, frozen with the answer.

Knows how an expert looks things up; how search works is knowledge's affair.
"""

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from chat.attribution import Source
from chat.drafts import Draft, LeaseLost, freeze_passage
from chat.errors import AnswerFailed
from chat.followups import standalone
from chat.models import Passage
from chat.quoting import Ranked, choose_quote, choose_quotes, rank_sentences
from chat.relevance import weigh, why_not
from chat.verbatim import MOST_QUOTES, compose
from knowledge import embedding
from knowledge.passages import FoundPassage
from knowledge.registry import row_of
from knowledge.retrieval import retrieve

# Kinds of results that a model could only repeat, or spoil.
STATED = frozenset(
    ("count", "sum", "average", "extreme", "most", "difference", "compare", "same", "top")
)


def search(draft: Draft) -> None:
    """Finds passages for the draft's question, marks the relevant ones, stores them all."""
    draft.query = draft.query or standalone(draft.question, draft.earlier)
    found = retrieve(
        draft.query,
        user=draft.asker,
        collections=list(draft.collections),
        limit=draft.retrieval.passages,
        candidates=draft.retrieval.candidates,
        is_reranked=draft.retrieval.is_reranked,
    )
    draft.found = found
    draft.evidence = weigh(draft.query, found.passages)
    draft.passages = [
        freeze_passage(draft, passage, marker)
        for marker, passage in enumerate(found.passages, start=1)
    ]
    computed = [passage for passage in draft.passages if passage.computation is not None]
    for passage, evidence in zip(draft.passages, draft.evidence, strict=True):
        # What was computed for this very question needs no likeness to it; beside it, single rows
        # would only tempt a model to another answer.
        is_like = evidence.is_like(draft.retrieval)
        passage.is_used = passage in computed if computed else is_like
    if computed:
        _mark_result(computed[0])
    else:
        _judge(draft, found.passages)
    store_passages(draft)


def _judge(draft: Draft, found: Sequence[FoundPassage]) -> None:
    """Abstains where nothing answers; else chooses the words that answer best."""
    own = draft.question if draft.query != draft.question else ""
    sentences = _rank(draft.query, draft.all_sources, own)
    if why_not(draft.question, found, draft.evidence, sentences, draft.retrieval):
        draft.is_abstention = True
        for passage in draft.passages:
            passage.is_used = False
        return
    used = {passage.marker for passage in draft.used}
    _choose_words(draft, [each for each in sentences if each.marker in used])


def _rank(query: str, sources: Sequence[Source], own: str) -> list[Ranked]:
    encoder = embedding.get_encoder()
    likeness = row_of(encoder).likeness
    return rank_sentences(
        query, sources, encode=encoder.encode_passages, own=own, likeness=likeness
    )


def _mark_result(passage: Passage) -> None:
    """The sentence that says what was computed."""
    sentence = (passage.computation or {})["sentence"]
    passage.key_start = passage.text.index(sentence)
    passage.key_end = passage.key_start + len(sentence)


def _choose_words(draft: Draft, sentences: Sequence[Ranked]) -> None:
    """The key passage, or all that an expert of quotes says."""
    if draft.retrieval.is_quoting:
        draft.quotes = choose_quotes(sentences, most=MOST_QUOTES)
        quoted = {quote.marker for quote in draft.quotes}
        for passage in draft.passages:
            passage.is_used = passage.marker in quoted
    elif quote := choose_quote(sentences):
        for passage in draft.used:
            if passage.marker == quote.marker:
                passage.key_start, passage.key_end = quote.span


@transaction.atomic
def store_passages(draft: Draft) -> None:
    """Replaces what an earlier attempt stored, so that sources can be opened while text comes."""
    if not draft.claim.rows().select_for_update().exists():
        raise LeaseLost
    Passage.objects.filter(answer=draft.answer).delete()
    Passage.objects.bulk_create(draft.passages)


def is_verbatim(draft: Draft) -> bool:
    """Whether the answer will be the documents' words or a table's result, without a model."""
    return draft.retrieval.is_quoting or _stated(draft) is not None


def state_result(draft: Draft) -> bool:
    """Says what the database counted, added or ranked, as it is; False for other answers."""
    computed = _stated(draft)
    if computed is None:
        return False
    how = f"computed from the table “{computed['name']}”: {computed['plan']}"
    draft.text = f"{'; '.join(computed['result'])} – {how}."
    draft.stop_reason = "computed"
    return True


def _stated(draft: Draft) -> dict[str, Any] | None:
    """The computation whose result is the answer."""
    for passage in draft.used:
        computed: dict[str, Any] | None = passage.computation
        if computed and (computed["kind"] in STATED or draft.retrieval.is_quoting):
            return computed
    return None


def state_quotes(draft: Draft) -> bool:
    """Answers with the chosen sentences alone, where the expert does so; False for others."""
    if not draft.retrieval.is_quoting or any(one.computation is not None for one in draft.used):
        return False
    if not draft.quotes:
        message = "This expert quotes documents, and found no sentence to quote. Ask otherwise."
        raise AnswerFailed(message, code="nothing_to_quote")
    draft.text, draft.attributions = compose(draft.quotes, draft.sources)
    draft.stop_reason = "quoted"
    return True


def abstain(draft: Draft) -> None:
    """Says in our words that nothing was found; no model is asked."""
    where = ", ".join(sorted(draft.collections.values()))
    near = " The nearest passages stand among the sources; none was used." if draft.passages else ""
    draft.text = f"I found nothing about this in {where}.{near}"
    draft.stop_reason = "abstained"
