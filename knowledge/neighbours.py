"""A short passage brings the one that follows it: half a thought is no good source.

Both must stand in one version under one heading, and together they are no longer than a chunk may
be. Who may read the one may read the other. Knows no question.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from operator import or_
from uuid import UUID

from django.conf import settings
from django.db.models import Q

from knowledge.models import Chunk
from knowledge.passages import FoundPassage

# Share of a chunk's room up to which a passage counts as short.
SHORT = 0.4


def with_neighbours(
    kept: Sequence[FoundPassage], *, token_budget: int | None = None
) -> list[FoundPassage]:
    """The passages, short ones longer by what follows where the budget allows it."""
    room = float("inf") if token_budget is None else token_budget - sum(p.tokens for p in kept)
    following = _following([passage for passage in kept if _is_short(passage)])
    taken = {passage.chunk_id for passage in kept}
    grown: list[FoundPassage] = []
    for passage in kept:
        chunk = following.get(passage.chunk_id)
        if chunk and chunk.pk not in taken and _fits(passage, chunk, room):
            taken.add(chunk.pk)
            room -= chunk.tokens
            passage = _joined(passage, chunk)
        grown.append(passage)
    return grown


def parts_of(chunk_id: UUID, text: str) -> list[UUID]:
    """The chunks whose words a passage's text is made of, the one it was found by first."""
    chunk = Chunk.objects.filter(pk=chunk_id).only("version", "ordinal", "text").first()
    if chunk is None or not text.startswith(f"{chunk.text}\n"):
        return [chunk_id]
    after = Chunk.objects.filter(version=chunk.version_id, ordinal=chunk.ordinal + 1)
    added = text.removeprefix(chunk.text)
    return [chunk_id, *(one.pk for one in after if added.endswith(f"\n{one.text}"))]


def _is_short(passage: FoundPassage) -> bool:
    return passage.kind == "text" and passage.tokens <= SHORT * settings.KNOWLEDGE_CHUNK_TOKENS


def _fits(passage: FoundPassage, chunk: Chunk, room: float) -> bool:
    both = passage.tokens + chunk.tokens
    is_one_section = list(passage.headings[:-1]) == chunk.headings[: len(passage.headings) - 1]
    return both <= settings.KNOWLEDGE_CHUNK_TOKENS and chunk.tokens <= room and is_one_section


def _following(short: Sequence[FoundPassage]) -> dict[UUID, Chunk]:
    """Passage -> the live chunk of text right after it, in two queries."""
    if not short:
        return {}
    places = Chunk.objects.filter(pk__in=[passage.chunk_id for passage in short])
    before = {
        (version, ordinal + 1): key
        for key, version, ordinal in places.values_list("pk", "version_id", "ordinal")
    }
    next_ones = [Q(version=version, ordinal=ordinal) for version, ordinal in before]
    found = Chunk.objects.filter(
        reduce(or_, next_ones, Q(pk=None)), is_live=True, kind=Chunk.Kind.TEXT
    )
    return {before[chunk.version_id, chunk.ordinal]: chunk for chunk in found}


def _joined(passage: FoundPassage, chunk: Chunk) -> FoundPassage:
    """Both as one passage: the first one's place and scores, the words and boxes of both."""
    lines = [chunk.headings[-1]] if chunk.headings[-1:] != list(passage.headings[-1:]) else []
    added = "\n".join([*lines, chunk.text])
    text = f"{passage.text}\n{added}"
    return replace(
        passage,
        text=text,
        context_text=f"{passage.context_text}\n{added}",
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        boxes=(*passage.boxes, *chunk.boxes),
        tokens=passage.tokens + chunk.tokens,
    )
