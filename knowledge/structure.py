"""Office files, web pages, Markdown, text and mail → blocks, read by kreuzberg.

Runs in the child process. Knows no PDF (see pdf) and no table file (see tables).
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from kreuzberg import (
    ExtractionConfig,
    KreuzbergError,
    PageConfig,
    ValidationError,
    extract_bytes_sync,
)

from knowledge.blocks import Block, Extracted
from knowledge.errors import ExtractionFailed
from knowledge.texts import decode

_CONFIG = {
    "use_cache": False,
    "include_document_structure": True,
    "output_format": "markdown",
}
# The parser writes bold and italic words of office files as Markdown.
_EMPHASIS = re.compile(r"(\*{1,3})(?=\S)([^*\n]{1,500}?)(?<=\S)\1")
MAX_COLUMNS, MAX_ROWS = 500, 20_000
_TEXTUAL = {"paragraph", "list_item", "code", "quote", "formula", "footnote", "definition_item"}


def read_file(path: Path, media_type: str) -> Extracted:
    """The file's blocks in reading order; text of any encoding is read as what it is."""
    data = path.read_bytes()
    if media_type == "text/plain":
        text, warnings = decode(data)
        parts = (part for part in re.split(r"\n\s*\n", text.replace("\r\n", "\n")))
        blocks = tuple(Block("paragraph", part) for part in parts if part.strip())
        return Extracted(blocks=blocks, warnings=tuple(warnings))
    if not media_type.startswith("text/"):
        return read(data, media_type)
    text, warnings = decode(data)
    return replace(read(text.encode(errors="replace"), media_type), warnings=tuple(warnings))


def read(data: bytes, media_type: str) -> Extracted:
    """The blocks that the parser finds. Raises ExtractionFailed with the reason."""
    config = ExtractionConfig(pages=PageConfig(extract_pages=True), **_CONFIG)
    try:
        result = extract_bytes_sync(data, media_type, config=config)
    except (KreuzbergError, ValidationError, ValueError, RuntimeError, OSError) as error:
        raise ExtractionFailed(_reason(str(error))) from error
    nodes = (result.document or {}).get("nodes", [])
    blocks = [block for node in nodes if (block := _block(node)) is not None]
    pages = (result.metadata or {}).get("pages") or {}
    if pages.get("unit_type") == "slide":
        blocks = list(_on_slides(blocks, result.content, pages.get("boundaries", [])))
    return Extracted(blocks=tuple(blocks), page_count=pages.get("total_count"))


def _on_slides(
    blocks: list[Block], content: str, boundaries: list[dict[str, int]]
) -> Iterator[Block]:
    """Slides as pages: the parser tells them by bytes of its whole text, not by block."""
    data, cursor, page = content.encode(), 0, 1
    for block in blocks:
        words = block.text.split("\n")[0].encode()
        found = data.find(words, cursor)
        if found >= 0:
            cursor = found
        while page < len(boundaries) and boundaries[page - 1]["byte_end"] <= cursor:
            page += 1
        yield replace(block, page=page)


def _reason(message: str) -> str:
    """The parser's complaint in words that help."""
    lower = message.lower()
    if "password" in lower or "encrypt" in lower:
        return "The file is protected by a password. Remove the protection and upload it again."
    if "too large" in lower or "limit" in lower:
        return "The file unpacks to more than any document needs. Split it and try again."
    return "The file is damaged or unusual and can't be read. Open it, save it again, then upload."


def _block(node: dict[str, Any]) -> Block | None:
    """A node of the parser's tree as a block; None for grouping and empty nodes."""
    content = node["content"]
    kind, page = content["node_type"], node.get("page")
    if kind == "table":
        return _table(content["grid"], page)
    if kind == "metadata_block":
        text = "\n".join(f"{name}: {value}" for name, value in content["entries"])
        return Block("paragraph", text, page=page)
    if kind in ("heading", "title"):
        return Block("heading", content["text"], level=int(content.get("level", 1)), page=page)
    text = content.get("text") or ""
    text = _EMPHASIS.sub(r"\2", text)
    if not text or kind not in _TEXTUAL:
        return None
    if kind in ("list_item", "code"):
        return Block(kind, text, page=page)
    return Block("paragraph", text, page=page)


def _table(grid: dict[str, Any], page: int | None) -> Block | None:
    """A grid of cells as rows; a cell that spans several is repeated in each."""
    width, height = min(grid["cols"], MAX_COLUMNS), min(grid["rows"], MAX_ROWS)
    rows = [[""] * width for _ in range(height)]
    for cell in grid["cells"]:
        for row in range(cell["row"], min(cell["row"] + cell["row_span"], height)):
            for column in range(cell["col"], min(cell["col"] + cell["col_span"], width)):
                rows[row][column] = _EMPHASIS.sub(r"\2", cell["content"])
    filled = tuple(tuple(row) for row in rows if any(text.strip() for text in row))
    if not filled:
        return None
    return Block("table", "\n".join(" | ".join(row) for row in filled), page=page, rows=filled)
