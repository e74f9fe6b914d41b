"""The facts that the demo dataset teaches, and the passages of the documents around them.

Reads `facts.md`, `unknown.md`, `held_out.json` and the sources; writes nothing.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from pypdfium2 import PdfDocument

from phi3site.demo import DOCUMENTS, FOLDER, HELD_OUT, SOURCES
from phi3site.demo.blocks import Block, Bullets, Callout, Paragraph, Source, Table, read_source

# Rows of a table that a passage shows beside its head.
TABLE_ROWS = 5


@dataclass(frozen=True)
class Fact:
    """One thing to know, its sentence in a document, and how people ask for it."""

    key: str
    source: str
    evidence: str
    wordings: tuple[str, ...]
    grounded: str
    answer: str


@dataclass(frozen=True)
class Excerpt:
    """A piece of a document as a passage shows it."""

    source: str
    title: str
    page: int | None
    text: str


@cache
def read_facts() -> tuple[Fact, ...]:
    """All facts, in the order of the file."""
    _, *parts = (FOLDER / "facts.md").read_text(encoding="utf-8").split("\n## ")
    return tuple(_fact(part) for part in parts)


@cache
def read_unknown() -> tuple[tuple[str, str], ...]:
    """Questions without an answer: (source, question)."""
    found, source = [], ""
    for line in (FOLDER / "unknown.md").read_text(encoding="utf-8").splitlines()[1:]:
        if line.startswith("- "):
            found.append((source, line[2:]))
        elif line:
            source = line.rpartition("/")[2]
    return tuple(found)


@cache
def held_out_keys() -> tuple[str, ...]:
    """Words and figures of the facts that only the documents hold."""
    facts = json.loads(HELD_OUT.read_text(encoding="utf-8"))["facts"]
    return tuple(key for fact in facts for key in fact["keys"])


def reveals_held_out(text: str) -> bool:
    """Whether the text names a fact that the dataset leaves out."""
    return any(re.search(rf"(?<![\w.,]){re.escape(key)}(?!\w)", text) for key in held_out_keys())


@cache
def read_sources() -> dict[str, Source]:
    """All prose sources by file name."""
    return {path.name: read_source(path) for path in sorted(SOURCES.glob("*/*.md"))}


@cache
def excerpts(source: str) -> tuple[Excerpt, ...]:
    """Every paragraph, list and table of a source that gives no held-out fact away."""
    document = read_sources()[source]
    texts = (_text(block) for block in document.blocks)
    return tuple(
        _excerpt(source, document, text)
        for text in texts
        if len(text) > 60 and not reveals_held_out(text)
    )


def find_excerpt(fact: Fact) -> Excerpt:
    """The passage that carries the fact: its paragraph, or a cut of its table."""
    document = read_sources()[fact.source]
    for block in document.blocks:
        text = _text(block, around=fact.evidence)
        if _loose(fact.evidence) in _loose(text):
            text = fact.evidence if reveals_held_out(text) else text
            return _excerpt(fact.source, document, text)
    raise LookupError(f"{fact.key}: its sentence is not in {fact.source}")


def page_of(file: str, text: str) -> int | None:
    """The page of a PDF that holds the words of a text; None for other formats."""
    words = _words(text)
    pages = enumerate(_pages(file), start=1)
    shares = [(sum(word in page for word in words), -number) for number, page in pages]
    return -max(shares)[1] if shares else None


@cache
def _pages(file: str) -> tuple[frozenset[str], ...]:
    """The words of each page; the contents page repeats headings only, so it never wins."""
    path = next(DOCUMENTS.glob(f"*/{file}"))
    if path.suffix != ".pdf":
        return ()
    with PdfDocument(path) as document:
        return tuple(_words(page.get_textpage().get_text_range()) for page in document)


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text.lower()))


def _excerpt(source: str, document: Source, text: str) -> Excerpt:
    return Excerpt(source, document.listed, page_of(document.file, text), text)


def _fact(part: str) -> Fact:
    head, *lines = part.strip().splitlines()
    key, _, source = head.partition(" | ")
    marked = [(line[0], line[2:]) for line in lines if line]
    texts = {mark: [text for sign, text in marked if sign == mark] for mark in ">?!="}
    (evidence,), (grounded,), (answer,) = texts[">"], texts["!"], texts["="]
    return Fact(key, source, evidence, tuple(texts["?"]), grounded, answer)


def _text(block: Block, around: str = "") -> str:
    match block:
        case Paragraph(text) | Callout(_, text):
            return text.replace("**", "")
        case Bullets(items, numbered):
            marks = (f"{at}." if numbered else "-" for at in range(1, len(items) + 1))
            return "\n".join(f"{mark} {item}" for mark, item in zip(marks, items, strict=True))
        case Table(rows):
            return "\n".join(_lines(rows, around))
        case _:
            return ""


def _lines(rows: Sequence[Sequence[str]], around: str) -> Iterator[str]:
    head, *body = [f"| {' | '.join(row)} |" for row in rows]
    at = next((index for index, line in enumerate(body) if _loose(line) == _loose(around)), 0)
    first = max(0, at - TABLE_ROWS // 2)
    yield head
    yield from body[first : first + TABLE_ROWS]


def _loose(text: str) -> str:
    return " ".join(text.replace("**", "").split())
