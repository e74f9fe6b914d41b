"""RTF → blocks, read by kreuzberg: headings, paragraphs, lists and tables.

Knows no other format.
"""

import re
from pathlib import Path
from typing import Any

from kreuzberg import ExtractionConfig, KreuzbergError, ValidationError, extract_bytes_sync

from knowledge.blocks import Block, Extracted
from knowledge.errors import ExtractionFailed
from knowledge.formats.grids import Grid

_CONFIG = {"use_cache": False, "include_document_structure": True, "output_format": "plain"}
# The parser writes bold and italic words as Markdown.
_EMPHASIS = re.compile(r"(\*{1,3})(?=\S)([^*\n]{1,500}?)(?<=\S)\1")


def read(path: Path) -> Extracted:
    """The document's blocks. Raises ExtractionFailed with the reason."""
    try:
        result = extract_bytes_sync(
            path.read_bytes(), "application/rtf", config=ExtractionConfig(**_CONFIG)
        )
    except (KreuzbergError, ValidationError, ValueError, RuntimeError, OSError) as error:
        raise ExtractionFailed(
            "The file is damaged and can't be read. Open it, save it again, then upload.",
            code="file_damaged",
        ) from error
    nodes = (result.document or {}).get("nodes", [])
    return Extracted(blocks=tuple(block for node in nodes for block in _blocks(node["content"])))


def _blocks(content: dict[str, Any]) -> list[Block]:
    """A node of the parser's tree; grouping nodes hold no text of their own."""
    kind, text = content["node_type"], content.get("text") or ""
    if kind == "table":
        return _table(content["grid"])
    text = _EMPHASIS.sub(r"\2", text)
    if not text.strip():
        return []
    if kind in ("heading", "title"):
        return [Block("heading", text, level=int(content.get("level", 1)))]
    return [Block(kind if kind in ("list_item", "code") else "paragraph", text)]


def _table(grid: dict[str, Any]) -> list[Block]:
    table, row = Grid(), -1
    for cell in sorted(grid["cells"], key=lambda cell: (cell["row"], cell["col"])):
        if cell["row"] != row:
            row = cell["row"]
            table.begin_row(is_header=bool(cell.get("is_header")))
        text = _EMPHASIS.sub(r"\2", cell["content"])
        table.add(text, columns=cell["col_span"], rows=cell["row_span"])
    return table.blocks()
