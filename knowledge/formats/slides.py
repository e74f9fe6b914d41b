"""PPTX → blocks: a slide is a page, its title a heading; with tables, charts and speaker notes.

Knows nothing of how a slide looks beyond the order of its parts.
"""

from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from knowledge.blocks import Block, Extracted
from knowledge.counts import beyond_table
from knowledge.formats.charts import chart_blocks
from knowledge.formats.grids import Grid
from knowledge.formats.packages import Package, Relationship, attribute, child, local_name
from knowledge.wording import ranges

# Date, footer and number stand on every slide and say nothing of it.
_FURNITURE = {"dt", "ftr", "sldNum", "hdr", "sldImg"}
_TITLES = {"title", "ctrTitle"}
_SHAPES = {
    "sp",
    "graphicFrame",
    "grpSp",
    "pic",
    "cxnSp",
    "AlternateContent",
    "Choice",
    "contentPart",
}


def read(path: Path) -> Extracted:
    """The deck's blocks, slide by slide."""
    package = Package(path)
    main = package.main_part("ppt/presentation.xml")
    slides = list(_slides(package, main))
    deck = _Deck(package)
    blocks = [block for number, name in slides for block in deck.slide(name, number)]
    return Extracted(
        blocks=tuple(blocks),
        page_count=len(slides),
        warnings=(*deck.warnings(), *package.warnings()),
    )


def _slides(package: Package, main: str) -> Iterator[tuple[int, str]]:
    """The slides in the order in which they are shown, with their numbers."""
    targets = package.relationships(main)
    listed = child(package.xml(main), "sldIdLst")
    for number, entry in enumerate(listed if listed is not None else (), start=1):
        # The plain id of a slide is another attribute than the reference to its part.
        keys = [str(value) for key, value in entry.attrib.items() if key.endswith("}id")]
        found = targets.get(keys[0] if keys else "")
        yield number, found.target if found else ""


class _Deck:
    """One presentation, read slide by slide."""

    def __init__(self, package: Package) -> None:
        self._package = package
        self._hidden: list[int] = []
        self._missing: list[int] = []
        self._skipped = 0

    def slide(self, name: str, number: int) -> Iterator[Block]:
        """The title first, then the rest in the file's order, then the notes."""
        if name not in self._package:
            self._missing.append(number)
            return
        root = self._package.xml(name)
        is_hidden = attribute(root, "show", "1") in ("0", "false")
        if is_hidden:
            self._hidden.append(number)
        relationships = self._package.relationships(name)
        shapes = list(_shapes(child(root, "cSld", "spTree")))
        titles = [shape for shape in shapes if _placeholder(shape) in _TITLES]
        title = " ".join(" ".join(_texts(shape)) for shape in titles).strip()
        if title or is_hidden:
            mark = " (hidden slide)" if is_hidden else ""
            yield Block("heading", f"{title or f'Slide {number}'}{mark}", level=1, page=number)
        for shape in shapes:
            if shape not in titles:
                yield from self._shape(shape, number, relationships)
        yield from self._notes(relationships, number)

    def _shape(
        self, shape: etree._Element, page: int, relationships: dict[str, Relationship]
    ) -> Iterator[Block]:
        if local_name(shape) != "graphicFrame":
            yield from _paragraphs(shape, page)
            return
        for element in shape.iter():
            name = local_name(element)
            if name == "tbl":
                yield from self._table(element, page)
            elif name == "chart":
                if part := self._part(element, "id", relationships):
                    yield from chart_blocks(self._package.xml(part), page)
            elif name == "relIds" and (part := self._part(element, "dm", relationships)):
                # A diagram's words; their arrangement is only drawn.
                for text in _texts(self._package.xml(part)):
                    yield Block("list_item", text, page=page)

    def _part(
        self, element: etree._Element, name: str, relationships: dict[str, Relationship]
    ) -> str:
        found = relationships.get(attribute(element, name))
        return found.target if found and found.target in self._package else ""

    def _table(self, table: etree._Element, page: int) -> list[Block]:
        grid = Grid()
        for row in (element for element in table if local_name(element) == "tr"):
            grid.begin_row()
            for cell in (element for element in row if local_name(element) == "tc"):
                # Cells that another one covers are in the file as well.
                if attribute(cell, "hMerge") not in ("1", "true"):
                    self._cell(grid, cell)
        self._skipped += grid.skipped
        return grid.blocks(page)

    def _cell(self, grid: Grid, cell: etree._Element) -> None:
        span = attribute(cell, "gridSpan", "1")
        columns = int(span) if span.isdecimal() and len(span) < 5 else 1
        if attribute(cell, "vMerge") in ("1", "true"):
            grid.add_from_above(columns=columns)
        else:
            grid.add(" ".join(_texts(cell)), columns=columns)

    def _notes(self, relationships: dict[str, Relationship], page: int) -> Iterator[Block]:
        for found in relationships.values():
            if found.kind != "notesSlide" or found.target not in self._package:
                continue
            tree = child(self._package.xml(found.target), "cSld", "spTree")
            parts = [t for s in _shapes(tree) if _placeholder(s) == "body" for t in _texts(s)]
            if text := "\n".join(parts):
                yield Block("paragraph", f"Speaker notes: {text}", page=page)

    def warnings(self) -> Iterator[str]:
        """What a curator should know."""
        if self._hidden:
            yield f"Hidden in the show, but read and marked: {ranges('slide', self._hidden)}."
        if self._missing:
            yield f"Damaged: {ranges('slide', self._missing)} could not be read."
        if self._skipped:
            yield beyond_table(self._skipped)


def _shapes(tree: etree._Element | None) -> Iterator[etree._Element]:
    """Shapes in the file's order, groups opened; the stack stands for recursion."""
    waiting = [] if tree is None else list(reversed(tree))
    while waiting:
        element = waiting.pop()
        name = local_name(element)
        if name in ("grpSp", "AlternateContent", "Choice"):
            waiting += list(reversed(element))
        elif name in _SHAPES and _placeholder(element) not in _FURNITURE:
            yield element


def _placeholder(shape: etree._Element) -> str:
    """What part of the layout a shape fills; empty for a shape of its own."""
    for properties in shape:
        found = child(properties, "nvPr", "ph")
        if found is not None:
            return attribute(found, "type", "obj")
    return ""


def _texts(element: etree._Element) -> list[str]:
    """The words of each paragraph below an element."""
    found = (p for p in element.iter() if local_name(p) == "p")
    return [text for p in found if (text := _words(p))]


def _words(paragraph: etree._Element) -> str:
    words = []
    for element in paragraph.iter():
        name = local_name(element)
        if name == "t":
            words.append(element.text or "")
        elif name == "br":
            words.append("\n")
        elif name == "tab":
            words.append(" ")
    return "".join(words).strip()


def _paragraphs(shape: etree._Element, page: int) -> Iterator[Block]:
    """A shape's paragraphs; several in the body of a slide are its points."""
    body = child(shape, "txBody")
    if body is None:
        return
    found = [(p, text) for p in body if local_name(p) == "p" and (text := _words(p))]
    is_body = _placeholder(shape) in ("body", "obj") and len(found) > 1
    for paragraph, text in found:
        kind = "list_item" if is_body or _has_bullet(paragraph) else "paragraph"
        yield Block(kind, text, page=page)  # type: ignore[arg-type]


def _has_bullet(paragraph: etree._Element) -> bool:
    properties = child(paragraph, "pPr")
    names = {local_name(element) for element in (properties if properties is not None else ())}
    return bool(names & {"buChar", "buAutoNum", "buBlip"})
