"""Blocks → chunks: pieces of a document that are embedded, found and quoted. Pure functions.

Cuts along the structure: never across a heading of weight, a long paragraph between sentences, a
table between rows. Knows no database; tokens are counted by a function that is given.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from knowledge.blocks import Extracted
from knowledge.identity import words_of
from knowledge.pieces import Piece, counted, cut_to, pieces_of
from knowledge.rows import CountTokens, table_chunks

# A section shorter than this share of a chunk is joined by the next one.
SMALL = 0.05
# Of what stands before each chunk: more would drown the chunk's own words.
LONGEST_PREFIX = 300
# Room in the encoder for its special tokens.
SPECIAL = 4


@dataclass(frozen=True, slots=True)
class NewChunk:
    """A chunk before it is a row."""

    kind: str
    text: str
    context_text: str
    headings: tuple[str, ...]
    page: int | None
    row_from: int | None
    row_to: int | None
    boxes: tuple[dict[str, Any], ...]
    tokens: int
    sha256: str

    @property
    def is_embedded(self) -> bool:
        """Rows of a long table are found by their words alone: see rows.EMBEDDED_ROWS."""
        return self.kind != "rows"


@dataclass
class _Draft:
    """A chunk being filled."""

    pieces: list[Piece] = field(default_factory=list)
    tokens: int = 0

    def add(self, piece: Piece) -> None:
        self.pieces.append(piece)
        self.tokens += piece.tokens


def chunk(
    extracted: Extracted,
    *,
    title: str,
    count_tokens: CountTokens,
    max_tokens: int,
    encoder_tokens: int,
    subject: str = "",
) -> list[NewChunk]:
    """The document's chunks in reading order; the same input gives the same chunks.

    A chunk's text has at most `max_tokens` tokens, and with title and headings it fits the
    encoder's `encoder_tokens`.
    """
    pieces = counted(list(pieces_of(extracted.blocks)), count_tokens)
    prefixes = {piece.headings: prefix(title, subject, piece.headings) for piece in pieces}
    lengths = dict(zip(prefixes, count_tokens(list(prefixes.values())), strict=True))

    def room_beside(length: int) -> int:
        return max(32, min(max_tokens, encoder_tokens - SPECIAL - length))

    room = {headings: room_beside(length) for headings, length in lengths.items()}
    drafts = _drafts(pieces, room)
    chunks = [_finished(draft, prefixes) for draft in drafts if _says_something(draft)]
    return [
        *chunks,
        *_of_tables(
            extracted, title, count_tokens, lambda line: room_beside(*count_tokens([line]))
        ),
    ]


def whole_chunk(
    text: str, *, title: str, headings: tuple[str, ...] = (), count_tokens: CountTokens
) -> NewChunk:
    """A text that someone else has cut already, as one chunk; the encoder reads its beginning."""
    piece = Piece(text.strip(), headings=headings, tokens=count_tokens([text])[0])
    return _finished(_Draft([piece], piece.tokens), {headings: prefix(title, "", headings)})


def _of_tables(
    extracted: Extracted,
    title: str,
    count_tokens: CountTokens,
    room: Callable[[str], int],
) -> Iterator[NewChunk]:
    """Rows of CSV files and sheets, each under the sheet's name."""
    for table in extracted.tables:
        name = f"{table.name} (hidden sheet)" if table.is_hidden else table.name
        headings = (name,) if len(extracted.tables) > 1 or table.is_hidden else ()
        line = prefix(title, "", headings)
        for found in table_chunks(table, count_tokens=count_tokens, room=room(line)):
            yield NewChunk(
                kind=found.kind,
                text=found.text,
                context_text=f"{line}\n{found.text}",
                headings=headings,
                page=None,
                row_from=found.row_from,
                row_to=found.row_to,
                boxes=(),
                tokens=found.tokens,
                sha256=hashlib.sha256(found.text.encode()).hexdigest(),
            )


def _drafts(pieces: list[Piece], room: dict[tuple[str, ...], int]) -> Iterator[_Draft]:
    """Fills one chunk after the other."""
    draft = _Draft()
    for piece in (part for whole in pieces for part in cut_to(whole, room[whole.headings])):
        if draft.pieces and _must_end(draft, piece, room):
            yield draft
            draft = _Draft()
        draft.add(piece)
    if draft.pieces:
        yield draft


def _must_end(draft: _Draft, piece: Piece, room: dict[tuple[str, ...], int]) -> bool:
    """Whether the piece begins a new chunk."""
    first = draft.pieces[0]
    limit = room[first.headings]
    if first.kind != piece.kind and {first.kind, piece.kind} != _TOGETHER:
        return True
    if draft.tokens + piece.tokens > limit:
        # A heading at the end of a full chunk belongs to the next one.
        return True
    is_small = draft.tokens < SMALL * limit
    return piece.is_heading and not (is_small or all(part.is_heading for part in draft.pieces))


_TOGETHER = {"text", "table"}


def _says_something(draft: _Draft) -> bool:
    """Headings alone are no chunk: they stand in the path of what follows."""
    return any(not piece.is_heading and piece.text.strip() for piece in draft.pieces)


def _finished(draft: _Draft, prefixes: dict[tuple[str, ...], str]) -> NewChunk:
    """The draft as a chunk."""
    pieces = _without_leading_headings(draft.pieces)
    headings = pieces[0].headings
    text = ""
    for piece in pieces:
        text += (piece.joint if text else "") + piece.text
    text = text.strip()
    rows = [piece.row for piece in pieces if piece.row is not None]
    kinds = {piece.kind for piece in pieces}
    is_rows = kinds == {"table"}
    context_text = f"{prefixes[headings]}\n{text}".strip()
    return NewChunk(
        kind="table" if is_rows else "text",
        text=text,
        context_text=context_text,
        headings=headings,
        page=next((piece.page for piece in pieces if piece.page), None),
        row_from=min(rows, default=None) if is_rows else None,
        row_to=max(rows, default=None) if is_rows else None,
        boxes=_boxes(pieces),
        tokens=sum(piece.tokens for piece in pieces),
        sha256=hashlib.sha256(text.encode()).hexdigest(),
    )


def _without_leading_headings(pieces: list[Piece]) -> list[Piece]:
    """Headings that open a chunk are in its heading path already."""
    first = next(index for index, piece in enumerate(pieces) if not piece.is_heading)
    return pieces[first:]


def prefix(title: str, subject: str, headings: tuple[str, ...]) -> str:
    """What a passage is about: its document, what tells that apart, and the path of headings.

    Of a long path the nearest headings stay.
    """
    about = [part for part in (title, subject) if part]
    room = LONGEST_PREFIX - sum(map(len, about))
    said = words_of(" ".join(about))
    path: list[str] = []
    for heading in reversed(headings):
        room -= len(heading)
        if path and room < 0:
            break
        if heading not in path and not words_of(heading) <= said:
            path.insert(0, heading)
    return " › ".join([*about, *path])[: 2 * LONGEST_PREFIX]


def _boxes(pieces: list[Piece]) -> tuple[dict[str, Any], ...]:
    """One box per page and stretch of neighbouring lines."""
    lines = list(dict.fromkeys(line for piece in pieces for line in piece.lines))
    boxes: list[dict[str, Any]] = []
    for page, group in groupby(lines, key=lambda line: line.page):
        current: list[float] = []
        for line in group:
            left, top, right, bottom = line.box
            if current and -0.01 <= top - current[3] <= 0.03:
                current[:] = [min(current[0], left), current[1], max(current[2], right), bottom]
            else:
                current = [left, top, right, bottom]
                boxes.append({"page": page, "box": current})
    return tuple(boxes)
