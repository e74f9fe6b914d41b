"""Markdown → blocks, by way of HTML: what Markdown may hold, a web page may hold.

Knows no file.
"""

import re

from markdown_it import MarkdownIt

from knowledge.blocks import Extracted
from knowledge.formats import webpages
from knowledge.formats.plaintext import paragraphs
from knowledge.texts import decode

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
# The parser leaves out what is nested deeper; such a file is read as plain text instead.
_NESTING = 60
_TOO_DEEP = re.compile(r"^(?:[ \t]{0,4}[>*+-]){50}|^[ \t]{150}[ \t]*\S", re.MULTILINE)


def read(data: bytes) -> Extracted:
    """The document's blocks; a front matter is kept as its first paragraph."""
    text, warnings = decode(data)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if _TOO_DEEP.search(text):
        warning = "The text is nested deeper than can be read: its structure was left out."
        return Extracted(blocks=paragraphs(text), warnings=(*warnings, warning))
    front = _FRONT_MATTER.match(text)
    body = text[front.end() :] if front else text
    parser = MarkdownIt("commonmark", {"html": True, "maxNesting": _NESTING}).enable("table")
    found = webpages.blocks_of(parser.render(body))
    blocks = (*(paragraphs(front.group(1)) if front else ()), *found.blocks)
    return Extracted(blocks=blocks, warnings=(*warnings, *found.warnings))
