"""Running headers, footers, page numbers and lines of a table of contents.

They say nothing, and would be cut into passages. Pure functions.
"""

import re
from collections import Counter
from dataclasses import replace

from knowledge.pdf.glyphs import PageText, TextLine

# Shares of the page's height at its top and bottom where furniture stands.
TOP, BOTTOM = 0.09, 0.13
_DIGITS = re.compile(r"\d+")
_LEADERS = re.compile(r"(?:\.\s?){5,}\s*(\d{1,4})$")
# Lines of a table of contents on one page; fewer, or numbers that fall, may be prices.
CONTENTS_FROM = 3
# Pages that are counted before the file's first one.
PAGES_BEFORE = 20


def without_furniture(pages: list[PageText]) -> list[PageText]:
    """The pages without lines that repeat, but for their figures, on a third of them."""
    counted = Counter(
        key for page in pages for key in {_key(page, line) for line in page.lines} if key
    )
    enough = max(3, len(pages) // 3)
    repeated = {key for key, count in counted.items() if count >= enough}
    return [_without(page, repeated, last_page=len(pages)) for page in pages]


def _key(page: PageText, line: TextLine) -> tuple[str, int] | None:
    """The line's words without figures and the margin it stands in; None in the page's body."""
    height = page.frame.size[1]
    y = line.area.center[1] / height
    if TOP < y < 1 - BOTTOM:
        return None
    return _DIGITS.sub("#", line.text), int(y > 0.5)


def _without(page: PageText, repeated: set[tuple[str, int]], *, last_page: int) -> PageText:
    contents = _contents(page, last_page)
    kept = [_key(page, line) not in repeated and line.text not in contents for line in page.lines]
    lines = [line for line, keep in zip(page.lines, kept, strict=True) if keep]
    tables = [(sum(kept[:place]), table) for place, table in page.tables]
    return replace(page, lines=lines, tables=tables)


def _contents(page: PageText, last_page: int) -> set[str]:
    """Lines that lead to pages by dots: they answer nothing, and repeat every heading."""
    found = [(line.text, _LEADERS.search(line.text)) for line in page.lines]
    leading = [(text, int(match.group(1))) for text, match in found if match]
    numbers = [number for _text, number in leading]
    is_table = len(numbers) >= CONTENTS_FROM and numbers == sorted(numbers)
    if not is_table or numbers[-1] > last_page + PAGES_BEFORE:
        return set()
    return {text for text, _number in leading}
