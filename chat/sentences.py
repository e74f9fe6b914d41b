"""Cuts Markdown or plain text into sentences, as spans of the very characters given.

Knows just enough Markdown to leave list marks, headings' signs and table bars outside; code blocks
and ruled lines are no sentences.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

FENCE = re.compile(r"^\s{0,3}(```+|~~~+)")
# Quote bars, list marks and heading signs before the words of a line.
LINE_PREFIX = re.compile(r"(?:\s*(?:>|[-*+•]|\d{1,3}[.)]|#{1,6})(?=\s))*\s*")
TABLE_ROW = re.compile(r"^\s*\|.*\|?\s*$")
# A row of a table as chunks spell it: "Product: Heron; Period: 24 months".
RECORD = re.compile(r"^\s*[^\s:;.][^:;.]{0,59}: [^;]*(?:; [^:;]{1,60}: [^;]*)+$")
STARTS_BLOCK = re.compile(r"\s*(?:>|[-*+•]\s|\d{1,3}[.)]\s|#{1,6}\s|\|)")
# A terminator with its closing quotes and the citation marks that belong to it.
END = re.compile(r"[.!?…]+[\"'”’)\]*_]*(?:\s*[\[【]\d{1,3}[\]】])*(?=\s|$)")
ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|approx|ca|cf|vs|etc|no|nos|nr|fig|figs|sec|ch|p|pp|art|dr|mr|mrs|ms|prof"
    r"|inc|ltd|co|max|min|incl|excl|tel)|(?<!°)(?<!° )\b[A-Z])\.$",
    re.IGNORECASE,
)
WORD = re.compile(r"[^\W_]")
# Marks of a list in the middle of a line; one alone may be a figure that ends a sentence.
ITEM = re.compile(r"(?:(?<=\s)|(?<=^))(\d{1,2})[.)]\s+(?=[^\W\d_*`\"'“]|[*`\"'“(])")
SECOND_ITEM = re.compile(r"\s2[.)]\s+\S")


class Span(NamedTuple):
    """Characters of a text, end excluded."""

    start: int
    end: int


def split_sentences(text: str) -> list[Span]:
    """The sentences of a text in order; every span begins and ends with a visible character."""
    spans = [piece for block in _blocks(text) for piece in _sentences(text, block)]
    return [span for span in spans if WORD.search(text, *span)]


def _blocks(text: str) -> Iterator[Span]:
    """Runs of lines that belong together: a paragraph, a list item, a heading, a table row."""
    start, fence = -1, ""
    for line in _lines(text):
        words = text[line.start : line.end]
        mark = FENCE.match(words)
        is_single = is_row(words) or words.lstrip().startswith("#")
        is_break = is_single or mark or fence or not words.strip() or STARTS_BLOCK.match(words)
        if start >= 0 and is_break:
            yield Span(start, line.start)
            start = -1
        if mark and not fence:
            fence = mark[1][:3]
        elif mark and mark[1].startswith(fence):
            fence = ""
        elif not fence and words.strip():
            if is_single:
                yield line
            elif start < 0:
                start = line.start
    if start >= 0:
        yield Span(start, len(text))


def _lines(text: str) -> Iterator[Span]:
    start = 0
    for line in text.splitlines(keepends=True):
        yield Span(start, start + len(line))
        start += len(line)


def is_row(words: str) -> bool:
    """Whether a line is a row of a table, which stands for itself."""
    return bool(TABLE_ROW.match(words) or RECORD.match(words.rstrip("\r\n")))


def _sentences(text: str, block: Span) -> Iterator[Span]:
    if is_row(text[block.start : block.end]):
        yield _trim(text, block, " \t\r\n|")
        return
    prefix = LINE_PREFIX.match(text, block.start, block.end)
    start = prefix.end() if prefix else block.start
    for part in _counted(text, Span(start, block.end)):
        start = part.start
        for end in END.finditer(text, *part):
            if _is_end(text, start, end):
                yield _trim(text, Span(start, end.end()))
                start = end.end()
        yield _trim(text, Span(start, part.end))


def _counted(text: str, span: Span) -> Iterator[Span]:
    """The items of a list that was written in one line, "1. Open it 2. Close it", without marks."""
    start, number = span.start, 0
    for found in ITEM.finditer(text, *span):
        if int(found[1]) == number + 1 and (number or SECOND_ITEM.search(text, *span)):
            yield Span(start, found.start())
            start, number = found.end(), number + 1
    yield Span(start, span.end)


def _is_end(text: str, start: int, end: re.Match[str]) -> bool:
    following = text[end.end() :].lstrip()[:1]
    if following.islower():
        return False
    return not ABBREVIATION.search(text[max(start, end.start() - 12) : end.start() + 1])


def _trim(text: str, span: Span, characters: str | None = None) -> Span:
    words = text[span.start : span.end]
    left = len(words) - len(words.lstrip(characters))
    return Span(span.start + left, span.start + max(left, len(words.rstrip(characters))))
