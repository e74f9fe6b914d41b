"""Plain text → paragraphs, parted by empty lines. Knows no mark-up."""

import re

from knowledge.blocks import Block, Extracted
from knowledge.texts import decode

_EMPTY_LINES = re.compile(r"\n[ \t]*\n\s*")


def read(data: bytes) -> Extracted:
    """The text's paragraphs, whatever its encoding."""
    text, warnings = decode(data)
    return Extracted(blocks=paragraphs(text), warnings=tuple(warnings))


def paragraphs(text: str) -> tuple[Block, ...]:
    """A block for each stretch between empty lines."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return tuple(Block("paragraph", part) for part in _EMPTY_LINES.split(text) if part.strip())
