"""What changed between two versions: their texts block by block. Pure functions.

Knows no database: it is given the lines of both, and gives back what to show.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

# Of unchanged blocks, these many around a change are shown.
AROUND = 1
# Blocks less alike than this are one that went and one that came.
ALIKE = 0.4
_WORD = re.compile(r"\s+|\w+|[^\w\s]")

Kind = Literal["same", "changed", "added", "removed", "skipped"]


@dataclass(frozen=True)
class Part:
    """A stretch of a block; marked when it differs from the other version."""

    text: str
    is_marked: bool


@dataclass(frozen=True)
class Change:
    """One block before and after; of skipped ones only how many."""

    kind: Kind
    before: tuple[Part, ...] = ()
    after: tuple[Part, ...] = ()
    count: int = 0


def compare(before: Sequence[str], after: Sequence[str]) -> list[Change]:
    """The changes in reading order, with the unchanged blocks next to them."""
    changes: list[Change] = []
    matcher = SequenceMatcher(None, before, after)
    codes = matcher.get_opcodes()
    for number, (tag, start, end, other_start, other_end) in enumerate(codes):
        old, new = before[start:end], after[other_start:other_end]
        if tag == "equal":
            changes += _same(old, is_first=not number, is_last=number == len(codes) - 1)
        else:
            changes += _pairs(old, new)
    return changes


def blocks_of(texts: Sequence[str]) -> list[str]:
    """The lines of chunks, each as a block; blank ones say nothing."""
    return [line.strip() for text in texts for line in text.splitlines() if line.strip()]


def _same(blocks: Sequence[str], *, is_first: bool, is_last: bool) -> Iterator[Change]:
    head, tail = (0 if is_first else AROUND), (0 if is_last else AROUND)
    skipped = len(blocks) - head - tail
    if skipped <= 1:
        yield from map(_unchanged, blocks)
        return
    yield from map(_unchanged, blocks[:head])
    yield Change("skipped", count=skipped)
    yield from map(_unchanged, blocks[len(blocks) - tail :])


def _unchanged(block: str) -> Change:
    return Change("same", after=(Part(block, is_marked=False),))


def _pairs(old: Sequence[str], new: Sequence[str]) -> Iterator[Change]:
    """Blocks that took each other's place in order; what is left over came or went."""
    for before, after in zip(old, new, strict=False):
        if SequenceMatcher(None, before, after).quick_ratio() >= ALIKE:
            yield Change("changed", *_words(before, after))
        else:
            yield Change("removed", before=(Part(before, is_marked=True),))
            yield Change("added", after=(Part(after, is_marked=True),))
    for block in old[len(new) :]:
        yield Change("removed", before=(Part(block, is_marked=True),))
    for block in new[len(old) :]:
        yield Change("added", after=(Part(block, is_marked=True),))


def _words(before: str, after: str) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """Both blocks in parts, with the words marked that the other one lacks."""
    old, new = _WORD.findall(before), _WORD.findall(after)
    left: list[Part] = []
    right: list[Part] = []
    for tag, start, end, other_start, other_end in SequenceMatcher(None, old, new).get_opcodes():
        is_marked = tag != "equal"
        left.append(Part("".join(old[start:end]), is_marked))
        right.append(Part("".join(new[other_start:other_end]), is_marked))
    return tuple(part for part in left if part.text), tuple(part for part in right if part.text)
