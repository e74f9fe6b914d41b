"""DOCX → blocks: headings and lists with the numbers Word shows, tables, notes, text boxes.

What was deleted, hidden or remarked on is left out and counted. Knows nothing of pages: a Word
file has none until it is printed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lxml import etree

from knowledge.blocks import Block, Extracted
from knowledge.counts import beyond_table, counted
from knowledge.formats.charts import chart_blocks
from knowledge.formats.grids import Grid
from knowledge.formats.numbering import Numbering
from knowledge.formats.packages import Package, attribute, child, local_name
from knowledge.formats.wordstyles import Style, read_styles

LONGEST_HEADING = 300
_CONTAINERS = {"body", "sdt", "sdtContent", "customXml", "ins", "moveTo", "smartTag", "txbxContent"}
_CHARACTERS = {"tab": " ", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "ptab": " "}
_NO_TEXT = {"pPr", "rPr", "sectPr", "rt", "sdtPr", "tblPr", "trPr", "tcPr", "instrText"}
# A text box stands in its paragraph's XML, but is no part of its sentence.
_APART = {"txbxContent"}


def read(path: Path) -> Extracted:
    """The document's blocks in reading order."""
    package = Package(path)
    main = package.main_part("word/document.xml")
    document = _Document(package, main)
    root = package.xml(main)
    document.leave_out(root)
    body = child(root, "body")
    blocks = list(document.walk(root if body is None else body))
    return Extracted(
        blocks=(*document.margins(), *blocks), warnings=(*document.warnings(), *package.warnings())
    )


@dataclass
class _Text:
    """A paragraph's words, the notes it refers to and the text boxes anchored in it."""

    words: list[str] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    boxes: list[etree._Element] = field(default_factory=list)
    charts: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return "".join(self.words).strip()


class _Document:
    """The parts of one document that its text depends on."""

    def __init__(self, package: Package, main: str) -> None:
        self._package = package
        self._parts = package.parts_by_kind(main)
        self._references = package.relationships(main)
        self._styles = {name: read_styles(root) for name, root in self._roots("styles")}
        numberings = [Numbering.read(root) for _name, root in self._roots("numbering")]
        self._numbering = numberings[0] if numberings else Numbering()
        self._notes = {
            kind: {
                attribute(note, "id"): " ".join(str(_text_of(p)) for p in _paragraphs(note))
                for _name, root in self._roots(kind)
                for note in root
            }
            for kind in ("footnotes", "endnotes")
        }
        self._shift = 0
        self._deleted = self._hidden = self._skipped = 0

    def _roots(self, kind: str) -> list[tuple[str, etree._Element]]:
        return [(name, self._package.xml(name)) for name in self._parts.get(kind, [])]

    def leave_out(self, root: etree._Element) -> None:
        """Takes away what a reader of the printed page doesn't see."""
        for element in list(root.iter()):
            parent, name = element.getparent(), local_name(element)
            if parent is None:
                continue
            if name in ("del", "moveFrom"):
                is_row = local_name(parent) == "trPr"
                gone = parent.getparent() if is_row else element
                self._deleted += len(element) > 0 or is_row
                _remove(gone)
            elif name == "Fallback":
                _remove(element)
            elif name == "vanish" and attribute(element, "val", "1") in _ON:
                run = parent.getparent()
                if run is not None and local_name(run) == "r":
                    self._hidden += 1
                    _remove(run)

    def margins(self) -> Iterator[Block]:
        """What stands at the top and the bottom of every page, once."""
        seen = set()
        for kind in ("header", "footer"):
            for _name, root in self._roots(kind):
                text = " ".join(filter(None, (str(_text_of(p)) for p in _paragraphs(root))))
                if sum(char.isalpha() for char in text) > 4 and text not in seen:
                    seen.add(text)
                    yield Block("paragraph", f"Page {kind}: {text}")

    def walk(self, container: etree._Element) -> Iterator[Block]:
        """Blocks of the body, or of a text box; the stack stands for recursion."""
        waiting = list(reversed(container))
        while waiting:
            element = waiting.pop()
            name = local_name(element)
            if name == "p":
                text = _text_of(element)
                yield from self._paragraph(element, text)
                yield from self._charts(text)
                waiting += [part for box in reversed(text.boxes) for part in reversed(box)]
            elif name == "tbl":
                yield from self._table(element)
            elif name in _CONTAINERS:
                waiting += list(reversed(element))

    def _paragraph(self, element: etree._Element, text: _Text) -> Iterator[Block]:
        words, style = str(text), self._style(element)
        if words and not style.name.startswith("toc "):
            list_id, level = self._list(element, style)
            label = self._numbering.label(list_id, level) if list_id else ""
            shown = f"{label} {words}".strip()
            if style.name == "title" or style.outline is not None:
                yield self._heading(shown, style)
            else:
                yield Block("list_item" if list_id else "paragraph", shown)
        for kind, note in text.notes:
            if found := self._notes[kind].get(note):
                yield Block("paragraph", f"Note: {found}")

    def _charts(self, text: _Text) -> Iterator[Block]:
        for reference in text.charts:
            found = self._references.get(reference)
            if found is not None and found.target in self._package:
                yield from chart_blocks(self._package.xml(found.target))

    def _heading(self, text: str, style: Style) -> Block:
        """A title stands above the headings of the first level."""
        if style.name == "title":
            self._shift = 1
        if len(text) > LONGEST_HEADING:
            return Block("paragraph", text)
        level = 1 if style.name == "title" else min(9, (style.outline or 0) + 1 + self._shift)
        return Block("heading", text, level=level)

    def _style(self, paragraph: etree._Element) -> Style:
        properties = child(paragraph, "pPr")
        given = child(properties, "pStyle")
        names = next(iter(self._styles.values()), {})
        style = names.get("" if given is None else attribute(given, "val"), names.get("", Style()))
        outline = child(properties, "outlineLvl")
        if outline is not None and (own := attribute(outline, "val")).isdecimal():
            return Style(style.name, int(own) if int(own) < 9 else None, style.list_id, style.level)
        return style

    def _list(self, paragraph: etree._Element, style: Style) -> tuple[str, int]:
        """The list a paragraph is of, and how deep; no list is an empty name."""
        own = child(paragraph, "pPr", "numPr")
        number, level = child(own, "numId"), child(own, "ilvl")
        list_id = style.list_id if number is None else attribute(number, "val")
        depth = "" if level is None else attribute(level, "val")
        return "" if list_id == "0" else list_id, int(depth) if depth.isdecimal() else style.level

    def _table(self, table: etree._Element) -> list[Block]:
        """A table's rows; a table in a cell is part of its words."""
        grid = Grid()
        for row in _rows(table):
            marked = child(row, "trPr", "tblHeader")
            grid.begin_row(is_header=marked is not None and attribute(marked, "val", "1") in _ON)
            for cell in _cells(row):
                span, merge = child(cell, "tcPr", "gridSpan"), child(cell, "tcPr", "vMerge")
                width = attribute(span, "val", "1") if span is not None else "1"
                columns = int(width) if width.isdecimal() and len(width) < 5 else 1
                if merge is not None and attribute(merge, "val", "continue") == "continue":
                    grid.add_from_above(columns=columns)
                else:
                    words = (str(_text_of(paragraph)) for paragraph in _paragraphs(cell))
                    grid.add(" ".join(filter(None, words)), columns=columns)
        self._skipped += grid.skipped
        return grid.blocks()

    def warnings(self) -> Iterator[str]:
        """What a curator should know."""
        if self._deleted:
            told = counted(self._deleted, "{} passage that was", "{} passages that were")
            yield f"{told} deleted with tracked changes: left out."
        if self._hidden:
            told = counted(
                self._hidden, "{} piece of hidden text was", "{} pieces of hidden text were"
            )
            yield f"{told} left out."
        if comments := sum(len(root) for _name, root in self._roots("comments")):
            yield counted(comments, "{} comment was left out.", "{} comments were left out.")
        if embedded := len(self._parts.get("package", [])) + len(self._parts.get("aFChunk", [])):
            told = counted(embedded, "{} embedded file was", "{} embedded files were")
            yield f"{told} not read."
        if self._skipped:
            yield beyond_table(self._skipped)


_ON = {"1", "true", "on"}


def _remove(element: etree._Element | None) -> None:
    if element is not None and (parent := element.getparent()) is not None:
        parent.remove(element)


def _text_of(paragraph: etree._Element) -> _Text:
    """Reads one paragraph without recursion, however deep its XML."""
    found, waiting = _Text(), list(reversed(paragraph))
    while waiting:
        element = waiting.pop()
        name = local_name(element)
        if name == "t":
            found.words.append(element.text or "")
        elif name in _CHARACTERS:
            found.words.append(_CHARACTERS[name])
        elif name in ("footnoteReference", "endnoteReference"):
            found.notes.append((name.removesuffix("Reference") + "s", attribute(element, "id")))
        elif name == "chart":
            found.charts.append(attribute(element, "id"))
        elif name in _APART:
            found.boxes.append(element)
        elif name not in _NO_TEXT:
            waiting += list(reversed(element))
    return found


def _paragraphs(element: etree._Element) -> Iterator[etree._Element]:
    return (found for found in element.iter() if local_name(found) == "p")


def _rows(table: etree._Element) -> Iterator[etree._Element]:
    return _through(table, "tr")


def _cells(row: etree._Element) -> Iterator[etree._Element]:
    return _through(row, "tc")


def _through(element: etree._Element, name: str) -> Iterator[etree._Element]:
    """Children of that name, also those inside content controls."""
    for found in element:
        kind = local_name(found)
        if kind == name:
            yield found
        elif kind in _CONTAINERS:
            yield from (part for part in found.iter() if local_name(part) == name)
