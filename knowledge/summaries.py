"""A document and its long sections in a few of their own sentences: chunks of kind `summary`.

Extractive and without a model: the sentences that share most with the rest of their text, those
that repeat each other left out. Helps to find the right document; pure functions.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from math import log

from knowledge.chunking import NewChunk
from knowledge.rows import CountTokens

# A document of fewer chunks needs no summary; a section needs more to be worth one.
DOCUMENT_FROM = 4
SECTION_FROM = 8
SENTENCES = 5
HEADINGS = 12
# A level of headings that leaves this share of the chunks under one of them parts nothing.
WHOLE = 0.7
# Sentences looked at; a book's summary does not come from its last page alone.
LOOKED_AT = 600
# A word in a larger share of the sentences is grammar, or the name that all of it is about.
COMMON = 0.2
_SENTENCE = re.compile(r"(?<=[.!?。！？])\s+|\n+")
# Cells of a table are no sentence.
_ROW = re.compile(r" \| |: [^;]*; ")
_WORD = re.compile(r"\w{3,}")
SHORTEST, LONGEST = 40, 320


@dataclass(frozen=True)
class _Sentence:
    place: int
    text: str
    words: frozenset[str]


def summaries(
    chunks: Sequence[NewChunk],
    *,
    prefix: Callable[[tuple[str, ...]], str],
    count_tokens: CountTokens,
    max_tokens: int,
) -> list[NewChunk]:
    """The document's summary and those of its long sections, in this order.

    `prefix` says for a path of headings what stands before a chunk there.
    """
    texts = [chunk for chunk in chunks if chunk.kind in ("text", "table")]
    if len(texts) < DOCUMENT_FROM:
        return []
    parts: list[tuple[tuple[str, ...], list[NewChunk]]] = [((), texts)]
    if len(texts) >= 2 * SECTION_FROM:
        parts += _sections(texts)
    made = [_summary(part, headings, prefix, count_tokens, max_tokens) for headings, part in parts]
    return [summary for summary in made if summary.text]


def _sections(chunks: Sequence[NewChunk]) -> Iterator[tuple[tuple[str, ...], list[NewChunk]]]:
    """Runs of chunks under one heading that are long, the outermost level that parts the text."""
    depth = _depth(chunks)
    if not depth:
        return
    for headings, run in groupby(chunks, key=lambda chunk: chunk.headings[:depth]):
        section = list(run)
        if headings and len(section) >= SECTION_FROM:
            yield headings, section


def _depth(chunks: Sequence[NewChunk]) -> int:
    """The outermost level of headings that parts the chunks; 0 when there is none."""
    for level in range(1, 5):
        sizes = Counter(chunk.headings[:level] for chunk in chunks)
        if max(sizes.values()) < WHOLE * len(chunks):
            return level
    return 0


def _headings(chunks: Sequence[NewChunk], level: int) -> list[tuple[str, ...]]:
    paths = (chunk.headings[:level] for chunk in chunks if len(chunk.headings) >= level)
    return list(dict.fromkeys(paths))


def _summary(
    chunks: Sequence[NewChunk],
    headings: tuple[str, ...],
    prefix: Callable[[tuple[str, ...]], str],
    count_tokens: CountTokens,
    max_tokens: int,
) -> NewChunk:
    """The headings below and the central sentences, as far as the tokens reach."""
    below = [path[-1] for path in _headings(chunks, _depth(chunks)) if path]
    contents = "; ".join(dict.fromkeys(below[:HEADINGS]))
    texts = [chunk.text for chunk in chunks if chunk.kind == "text"]
    sentences = central(_SENTENCE.split("\n".join(texts)))
    parts = [contents, *sentences] if contents else list(sentences)
    kept, room = [], max_tokens
    for part, tokens in zip(parts, count_tokens(parts) if parts else [], strict=True):
        if tokens <= room:
            kept.append(part)
            room -= tokens
    text = "\n".join(kept)
    return replace(
        chunks[0],
        kind="summary",
        text=text,
        context_text=f"{prefix(headings)}\n{text}".strip(),
        headings=headings,
        row_from=None,
        row_to=None,
        boxes=(),
        tokens=max_tokens - room,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
    )


def central(texts: Sequence[str], *, limit: int = SENTENCES) -> list[str]:
    """The sentences whose words the others share most, in the order of the text.

    A word counts by how many sentences hold it, and no more once a chosen sentence has said it
    (SumBasic: Nenkova, Vanderwende 2005, with the logarithm against long sentences).
    """
    sentences = list(_candidates(texts))
    spread = Counter(word for sentence in sentences for word in sentence.words)
    for word in [word for word in spread if spread[word] > max(2, COMMON * len(sentences))]:
        del spread[word]
    said: set[str] = set()
    chosen: list[_Sentence] = []
    while len(chosen) < limit:
        left = [sentence for sentence in sentences if sentence not in chosen]
        best = max(left, key=lambda one: (_worth(one, spread, said), -one.place), default=None)
        if best is None or _worth(best, spread, said) <= 0:
            break
        chosen.append(best)
        said |= best.words
    return [sentence.text for sentence in sorted(chosen, key=lambda one: one.place)]


def _candidates(texts: Sequence[str]) -> Iterator[_Sentence]:
    step = max(1, len(texts) // LOOKED_AT)
    seen: set[frozenset[str]] = set()
    for place, text in enumerate(texts[::step]):
        text = " ".join(text.split())
        words = frozenset(word.casefold() for word in _WORD.findall(text) if not word.isdigit())
        if (
            SHORTEST <= len(text) <= LONGEST
            and not _ROW.search(text)
            and len(words) >= 5
            and words not in seen
        ):
            seen.add(words)
            yield _Sentence(place, text, words)


def _worth(sentence: _Sentence, spread: Counter[str], said: set[str]) -> float:
    """How much of what the text speaks of is new in the sentence, per word."""
    new = sum(log(spread[word]) for word in sentence.words - said if word in spread)
    return new / (len(sentence.words) + 5)
