"""HTML → blocks: headings, paragraphs, list items, code and tables in reading order.

Walks the parsed tree once, without recursion, so that depth costs nothing. Knows no network: what
a page loads is not part of it.
"""

import re

from lxml import etree, html

from knowledge.blocks import Block, Extracted
from knowledge.counts import counted
from knowledge.errors import ExtractionFailed
from knowledge.formats.grids import Grid
from knowledge.formats.plaintext import paragraphs
from knowledge.texts import decode

_LEFT_OUT = {"script", "style", "noscript", "template", "head", "svg", "iframe", "object", "select"}
_INLINE = {
    *("a", "abbr", "acronym", "audio", "b", "bdi", "bdo", "big", "button", "cite", "code", "data"),
    *("del", "dfn", "em", "embed", "font", "i", "img", "input", "ins", "kbd", "label", "map"),
    *("mark", "math", "meter", "output", "picture", "progress", "q", "ruby", "rp", "rt", "s"),
    *("samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var"),
    *("video", "wbr", "html", "body"),
}
_HEADING = re.compile(r"h[1-6]")
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?!\.?\d)")
_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*\?>")
_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?([\w-]{2,30})", re.IGNORECASE)
_TAGS = re.compile(r"<(script|style)\b.{0,100000}?</\1\s*>|<[^<>]{0,5000}>", re.DOTALL | re.I)
# A line break that is meant; those of the source are mere spaces. No page's text holds it.
_BREAK = "\0"
# What may stand in a style or an attribute is longer than this in no honest page.
_MAX_SPAN = 1_000


def read(data: bytes) -> Extracted:
    """A page's blocks; its encoding is the one it declares, if that is true."""
    declared = _CHARSET.search(data[:4096])
    text, warnings = decode(data, hint=declared.group(1).decode() if declared else "")
    found = blocks_of(text)
    return Extracted(blocks=found.blocks, warnings=(*warnings, *found.warnings))


def blocks_of(text: str) -> Extracted:
    """The blocks of HTML in a string."""
    text = _DECLARATION.sub("", text.replace("\0", ""))
    if not text.strip():
        return Extracted()
    try:
        # The encoding is named, since the parser would otherwise believe the page's own word.
        parser = html.HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=True)
        root = etree.fromstring(text.encode(errors="replace"), parser)
    except (etree.LxmlError, ValueError) as error:
        raise ExtractionFailed(
            "The page is damaged and can't be read. Save it again, then upload.",
            code="file_damaged",
        ) from error
    if any("depth" in entry.message for entry in parser.error_log):
        warning = "The page is nested deeper than can be read: its structure was left out."
        return Extracted(blocks=paragraphs(_TAGS.sub(" ", text)), warnings=(warning,))
    return Extracted() if root is None else _Page().walk(root)


class _Page:
    """The walk over one page."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.hidden = 0
        self.navigation = 0
        self.skipped = 0
        self._text: list[str] = []
        self._kinds: list[tuple[str, int]] = [("paragraph", 0)]
        self._grids: list[Grid | None] = []
        self._cell: tuple[int, int] | None = None
        self._in_head = 0

    def walk(self, root: etree._Element) -> Extracted:
        """All blocks, with a warning for what was left out."""
        title = root.findtext(".//head/title")
        walker = etree.iterwalk(root, events=("start", "end"))
        for event, element in walker:
            if not isinstance(element.tag, str):
                continue
            tag = element.tag.lower()
            if event == "start" and self._is_left_out(element, tag):
                walker.skip_subtree()
            elif event == "start":
                self._start(element, tag)
                self._text.append(element.text or "")
            elif tag not in _LEFT_OUT and not self._was_left_out(element, tag):
                self._end(tag)
            if event == "end" and element is not root:
                self._text.append(element.tail or "")
        self._flush()
        return Extracted(blocks=self._titled(title), warnings=tuple(self._warnings()))

    def _is_left_out(self, element: etree._Element, tag: str) -> bool:
        """Counts what is left out for being unseen or for leading elsewhere."""
        if tag in _LEFT_OUT:
            return True
        if _is_navigation(element, tag):
            self.navigation += 1
            return True
        if _is_hidden(element):
            self.hidden += 1
            return True
        return False

    def _was_left_out(self, element: etree._Element, tag: str) -> bool:
        return _is_navigation(element, tag) or _is_hidden(element)

    def _start(self, element: etree._Element, tag: str) -> None:
        if tag == "br":
            self._text.append(_BREAK)
        elif tag == "img":
            self._text.append(f" {element.get('alt', '').strip()} ")
        elif tag == "table":
            self._flush()
            # A table that holds tables only arranges the page.
            is_layout = element.find(".//table") is not None or self._cell is not None
            self._grids.append(None if is_layout else Grid())
        elif self._grid is not None and tag in ("thead", "tr", "td", "th"):
            self._start_in_table(element, tag, self._grid)
        elif tag not in _INLINE:
            self._flush()
            if (kind := _kind(tag)) is not None:
                self._kinds.append(kind)

    def _start_in_table(self, element: etree._Element, tag: str, grid: Grid) -> None:
        if tag == "thead":
            self._in_head += 1
        elif tag == "tr":
            cells = [child.tag for child in element if child.tag in ("td", "th")]
            only_headings = bool(cells) and all(cell == "th" for cell in cells)
            grid.begin_row(is_header=self._in_head > 0 or only_headings)
        else:
            self._flush()
            self._cell = (_span(element, "colspan"), _span(element, "rowspan"))

    @property
    def _grid(self) -> Grid | None:
        return self._grids[-1] if self._grids else None

    def _end(self, tag: str) -> None:
        if tag == "table" and self._grids:
            self._flush()
            self._finish_table(self._grids.pop())
        elif self._grid is not None and tag in ("td", "th") and self._cell is not None:
            columns, rows = self._cell
            self._grid.add("".join(self._text).replace(_BREAK, " "), columns=columns, rows=rows)
            self._text, self._cell = [], None
        elif self._grid is not None and tag == "thead":
            self._in_head -= 1
        elif tag not in _INLINE and tag not in ("br", "tr", "table"):
            self._flush()
            if _kind(tag) is not None and len(self._kinds) > 1:
                self._kinds.pop()

    def _finish_table(self, grid: Grid | None) -> None:
        if grid is not None:
            self.skipped += grid.skipped
            self.blocks += grid.blocks()

    def _flush(self) -> None:
        """Ends the block that is being filled; inside a cell there is none, only words."""
        if self._cell is not None:
            self._text.append(" ")
            return
        kind, level = self._kinds[-1]
        text = "".join(self._text)
        self._text = []
        if kind == "code":
            text = text.replace(_BREAK, "\n")
        else:
            lines = (" ".join(line.split()) for line in text.split(_BREAK))
            text = "\n".join(line for line in lines if line)
        if text.strip():
            self.blocks.append(Block(kind, text.strip("\n"), level=level))  # type: ignore[arg-type]

    def _titled(self, title: str | None) -> tuple[Block, ...]:
        """With the page's title as its first heading where no heading says it."""
        words = " ".join((title or "").split())
        headings = [block.text for block in self.blocks if block.kind == "heading"]
        if not words or any(block.level == 1 for block in self.blocks) or words in headings:
            return tuple(self.blocks)
        return (Block("heading", words, level=1), *self.blocks) if self.blocks else ()

    def _warnings(self) -> list[str]:
        found = []
        if self.hidden:
            told = counted(
                self.hidden, "{} hidden part of the page was", "{} hidden parts of the page were"
            )
            found.append(f"{told} left out.")
        if self.navigation:
            told = counted(self.navigation, "{} navigation bar was", "{} navigation bars were")
            found.append(f"{told} left out.")
        if self.skipped:
            told = counted(self.skipped, "{} cell", "{} cells")
            found.append(f"{told} beyond the largest possible table: not read.")
        return found


def _kind(tag: str) -> tuple[str, int] | None:
    """What text inside this element is."""
    if _HEADING.fullmatch(tag):
        return "heading", int(tag[1])
    return {"li": ("list_item", 0), "pre": ("code", 0)}.get(tag)


def _is_navigation(element: etree._Element, tag: str) -> bool:
    return tag == "nav" or element.get("role") == "navigation"


def _is_hidden(element: etree._Element) -> bool:
    if element.get("hidden") is not None:
        return True
    style = element.get("style")
    return bool(style and _HIDDEN_STYLE.search(style[:2_000].lower()))


def _span(element: etree._Element, name: str) -> int:
    """Columns or rows of a cell; one where the page says nonsense."""
    value = element.get(name, "1").strip()
    return max(1, min(int(value), _MAX_SPAN)) if value.isdecimal() and len(value) < 9 else 1
