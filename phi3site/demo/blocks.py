"""A demo source (Markdown with a head of `key: value` lines) becomes blocks that renderers draw.

Knows no output format.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

PARSER = MarkdownIt("commonmark").enable("table")


@dataclass(frozen=True)
class Heading:
    """A heading; level 1 is a chapter."""

    level: int
    text: str


@dataclass(frozen=True)
class Paragraph:
    """Running text."""

    text: str


@dataclass(frozen=True)
class Callout:
    """A warning in a coloured box; `kind` is its first word: Danger, Warning or Note."""

    kind: str
    text: str


@dataclass(frozen=True)
class Bullets:
    """A list, numbered or not."""

    items: tuple[str, ...]
    numbered: bool


@dataclass(frozen=True)
class Table:
    """A grid; the first row is the head."""

    rows: tuple[tuple[str, ...], ...]


Block = Heading | Paragraph | Callout | Bullets | Table


@dataclass(frozen=True)
class Source:
    """One demo document before it has a format."""

    head: dict[str, str]
    body: str
    blocks: tuple[Block, ...]

    @property
    def file(self) -> str:
        return self.head["file"]

    @property
    def title(self) -> str:
        return self.head["title"]

    @property
    def listed(self) -> str:
        """The title in a list of documents, where the cover's alone would say too little."""
        return self.head.get("listed", self.title)


def read_source(path: Path) -> Source:
    """Reads a file whose head stands between two lines of `---`."""
    _, head, body = path.read_text(encoding="utf-8").split("---\n", 2)
    pairs = [line.partition(": ") for line in head.strip().splitlines()]
    fields = {key: value for key, _, value in pairs}
    return Source(fields, body.strip(), tuple(parse(body)))


def parse(markdown: str) -> Iterator[Block]:
    """Yields the blocks of a Markdown text."""
    tokens = PARSER.parse(markdown)
    at = 0
    while at < len(tokens):
        end = _end(tokens, at)
        block = _block(tokens[at:end])
        if block is not None:
            yield block
        at = end


def plain(text: str) -> str:
    """The text without its Markdown emphasis."""
    return text.replace("**", "")


def _end(tokens: Sequence[Token], at: int) -> int:
    """The index after the block that opens at `at`."""
    depth = 0
    for index in range(at, len(tokens)):
        depth += tokens[index].nesting
        if depth == 0:
            return index + 1
    return len(tokens)


def _block(tokens: Sequence[Token]) -> Block | None:
    opening = tokens[0]
    texts = [token.content for token in tokens if token.type == "inline"]
    match opening.type:
        case "heading_open":
            return Heading(int(opening.tag[1]) - 1, texts[0])
        case "paragraph_open":
            return Paragraph(texts[0])
        case "blockquote_open":
            return _callout(texts[0])
        case "bullet_list_open" | "ordered_list_open":
            return Bullets(tuple(texts), opening.type.startswith("ordered"))
        case "table_open":
            return Table(tuple(_rows(tokens)))
        case _:
            return None


def _callout(text: str) -> Callout:
    kind, _, rest = text.removeprefix("**").partition("** ")
    return Callout(kind, rest)


def _rows(tokens: Sequence[Token]) -> Iterator[tuple[str, ...]]:
    row: list[str] = []
    for token in tokens:
        if token.type == "inline":
            row.append(token.content)
        elif token.type == "tr_close":
            yield tuple(row)
            row = []
