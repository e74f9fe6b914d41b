"""Blocks → the smallest pieces of a chunk: sentences, headings and rows, each with its place.

Knows no chunk and no database; tokens are counted by a function that is given.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from knowledge.blocks import Block, Line
from knowledge.rows import CountTokens, table_pieces

LONGEST_PIECE = 800
LONGEST_HEADING = 300
_SENTENCE = re.compile(r"(?<=[.!?…。！？])[\"”’)\]]{0,2}\s+|\n+")


@dataclass(frozen=True, slots=True)
class Piece:
    """The smallest unit that is not cut any more."""

    text: str
    kind: str = "text"
    headings: tuple[str, ...] = ()
    page: int | None = None
    lines: tuple[Line, ...] = ()
    row: int | None = None
    # What stands between this piece and the one before it in a chunk.
    joint: str = "\n"
    is_heading: bool = False
    tokens: int = 0


def pieces_of(blocks: Sequence[Block]) -> Iterator[Piece]:
    """Blocks in pieces, each under its heading path."""
    path: list[tuple[int, str]] = []
    for block in blocks:
        if block.kind == "heading":
            text = " ".join(block.text.split())[:LONGEST_HEADING]
            path = [entry for entry in path if entry[0] < block.level][-5:]
            path.append((block.level, text))
        headings = tuple(text for _level, text in path)
        if block.kind == "heading":
            yield Piece(headings[-1], "text", headings, block.page, block.lines, None, "\n", True)
        elif block.kind == "table":
            for text, lines, row in table_pieces(block):
                yield Piece(text, "table", headings, block.page, lines, row)
        else:
            yield from _paragraph(block, headings)


def _paragraph(block: Block, headings: tuple[str, ...]) -> Iterator[Piece]:
    """A paragraph in sentences, a very long sentence in stretches."""
    last = 0
    for start, end in _sentences(block.text):
        between = block.text[last:start]
        joint = "\n" if start == 0 or "\n" in between else " " if between else ""
        text = block.text[start:end]
        lines = tuple(line for line in block.lines if line.start < end and line.end > start)
        page = lines[0].page if lines else block.page
        mark = "- " if block.kind == "list_item" and start == 0 else ""
        yield Piece(mark + text, "text", headings, page, lines, None, joint)
        last = end


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    """Where sentences begin and end; linear in the text's length."""
    start = 0
    for found in _SENTENCE.finditer(text):
        yield from _stretches(text, start, found.start())
        start = found.end()
    yield from _stretches(text, start, len(text))


def _stretches(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """A sentence cut at spaces so that no stretch is longer than LONGEST_PIECE."""
    while end - start > LONGEST_PIECE:
        space = text.rfind(" ", start + LONGEST_PIECE // 2, start + LONGEST_PIECE)
        cut = space if space > start else start + LONGEST_PIECE
        yield start, cut
        start = cut + (text[cut : cut + 1] == " ")
    if text[start:end].strip():
        yield start, end


def counted(pieces: list[Piece], count_tokens: CountTokens) -> list[Piece]:
    """Pieces with their tokens; an unknown word counts by its length, so that none is too long."""
    counts = count_tokens([piece.text for piece in pieces])
    return [
        replace(piece, tokens=max(count, len(piece.text) // 12) + 1)
        for piece, count in zip(pieces, counts, strict=True)
    ]


def cut_to(piece: Piece, room: int) -> Iterator[Piece]:
    """The piece, or parts of it when it alone is more than a chunk holds."""
    if piece.tokens <= room:
        yield piece
        return
    size = max(1, len(piece.text) * room // piece.tokens)
    parts = -(-len(piece.text) // size)
    for number, (start, end) in enumerate(_even(len(piece.text), size)):
        tokens = min(room, -(-piece.tokens // parts))
        yield replace(
            piece,
            text=piece.text[start:end],
            tokens=tokens,
            joint=piece.joint if number == 0 else "",
        )


def _even(length: int, size: int) -> Iterator[tuple[int, int]]:
    for start in range(0, length, size):
        yield start, min(length, start + size)
