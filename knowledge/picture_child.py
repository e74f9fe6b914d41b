"""The process that draws a page: `python -m knowledge.picture_child FILE PAGE OUTPUT SECONDS MB`.

Knows no Django and no database.
"""

import sys
from pathlib import Path

import pypdfium2 as pdfium

from knowledge.extraction_child import limit

WIDTH = 1240
MAX_HEIGHT = 4_000


def main(path: str, number: str, output: str, seconds: str, megabytes: str) -> int:
    """Draws one page, 1-based, as a PNG as wide as a screen needs."""
    limit(int(seconds), int(megabytes))
    page = pdfium.PdfDocument(Path(path))[int(number) - 1]
    width, height = page.get_size()
    scale = min(WIDTH / max(width, 1), MAX_HEIGHT / max(height, 1))
    page.render(scale=scale).to_pil().convert("RGB").save(output, "PNG", optimize=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
