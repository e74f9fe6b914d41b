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
# The parser's time grows with nesting: what is nested deeper stays text.
_NESTING = 30


def read(data: bytes) -> Extracted:
    """The document's blocks; a front matter is kept as its first paragraph."""
    text, warnings = decode(data)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    front = _FRONT_MATTER.match(text)
    body = text[front.end() :] if front else text
    parser = MarkdownIt("commonmark", {"html": True, "maxNesting": _NESTING}).enable("table")
    found = webpages.blocks_of(parser.render(body))
    blocks = (*(paragraphs(front.group(1)) if front else ()), *found.blocks)
    return Extracted(blocks=blocks, warnings=(*warnings, *found.warnings))
