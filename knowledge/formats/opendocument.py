"""ODT → blocks: headings, paragraphs, lists, tables and notes, in reading order.

Walks the one XML part that holds the text, without recursion. Knows no style but a heading's level.
"""

from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from knowledge.blocks import Block, Extracted
from knowledge.counts import beyond_table, counted
from knowledge.formats.grids import MAX_COLUMNS, Grid
from knowledge.formats.packages import Package, attribute, local_name

_LEFT_OUT = {"tracked-changes", "annotation", "sequence-decls", "forms", "table-of-content"}
_CHARACTERS = {"tab": " ", "line-break": "\n", "s": " "}


def read(path: Path) -> Extracted:
    """The document's blocks. A locked file has no readable content."""
    package = Package(path)
    document = _Document(package.xml("content.xml"))
    blocks = tuple(document.walk())
    return Extracted(blocks=blocks, warnings=(*document.warnings(), *package.warnings()))


class _Document:
    """The walk over one document."""

    def __init__(self, root: etree._Element) -> None:
        self._root = root
        self._comments = sum(1 for element in root.iter() if local_name(element) == "annotation")
        self._skipped = 0

    def walk(self) -> Iterator[Block]:
        """Blocks of the body; what stands in a list is an item."""
        waiting = [(element, False) for element in reversed(self._root)]
        while waiting:
            element, is_item = waiting.pop()
            name = local_name(element)
            if name in _LEFT_OUT:
                continue
            if name in ("h", "p"):
                yield from self._paragraph(element, name, is_item)
            elif name == "table":
                yield from self._table(element)
            else:
                is_item = is_item or name == "list-item"
                waiting += [(part, is_item) for part in reversed(element)]

    def _paragraph(self, element: etree._Element, name: str, is_item: bool) -> Iterator[Block]:
        text, apart = _text_of(element)
        if text and name == "h":
            level = attribute(element, "outline-level", "1")
            number = int(level) if level.isdecimal() and len(level) < 3 else 1
            yield Block("heading", text, level=max(1, number))
        elif text:
            yield Block("list_item" if is_item else "paragraph", text)
        for part in apart:
            words = " ".join(filter(None, (_text_of(p)[0] for p in _paragraphs(part))))
            mark = "Note: " if local_name(part) == "note-body" else ""
            if words:
                yield Block("paragraph", f"{mark}{words}")

    def _table(self, table: etree._Element) -> list[Block]:
        grid = Grid()
        for row, is_header in _rows(table):
            grid.begin_row(is_header=is_header)
            for cell in row:
                if local_name(cell) == "table-cell":
                    texts = (_text_of(paragraph)[0] for paragraph in _paragraphs(cell))
                    text = " ".join(filter(None, texts))
                    repeated = _count(cell, "number-columns-repeated") if text else 1
                    for _ in range(min(repeated, MAX_COLUMNS)):
                        columns, rows = _count(cell, "number-columns-spanned"), 1
                        rows = _count(cell, "number-rows-spanned")
                        grid.add(text, columns=columns, rows=rows)
        self._skipped += grid.skipped
        return grid.blocks()

    def warnings(self) -> Iterator[str]:
        """What a curator should know."""
        if self._comments:
            yield counted(self._comments, "{} comment was left out.", "{} comments were left out.")
        if self._skipped:
            yield beyond_table(self._skipped)


def _rows(table: etree._Element) -> Iterator[tuple[etree._Element, bool]]:
    """The table's own rows, and whether they are its header; tables in cells are not entered."""
    waiting = [(element, False) for element in reversed(table)]
    while waiting:
        element, is_header = waiting.pop()
        name = local_name(element)
        if name == "table-row":
            yield element, is_header
        elif name.startswith("table-"):
            is_header = is_header or name == "table-header-rows"
            waiting += [(part, is_header) for part in reversed(element)]


def _count(cell: etree._Element, name: str) -> int:
    value = attribute(cell, name, "1")
    return int(value) if value.isdecimal() and len(value) < 6 else 1


def _paragraphs(element: etree._Element) -> Iterator[etree._Element]:
    return (found for found in element.iter() if local_name(found) in ("p", "h"))


def _text_of(paragraph: etree._Element) -> tuple[str, list[etree._Element]]:
    """A paragraph's words; and the notes and text boxes anchored in it."""
    words: list[str] = []
    apart: list[etree._Element] = []
    waiting: list[etree._Element | str] = [paragraph]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            words.append(item)
            continue
        name = local_name(item)
        if name in ("note-body", "text-box"):
            apart.append(item)
        elif name in _CHARACTERS:
            words.append(_CHARACTERS[name])
        elif name not in _LEFT_OUT and name != "note-citation":
            for part in reversed(item):
                waiting += [part.tail or "", part]
            waiting.append(item.text or "")
    return " ".join("".join(words).split()), apart
