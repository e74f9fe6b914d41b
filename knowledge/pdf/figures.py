"""What stands in a row of figures: labels, figures with their signs, lines that are one row.

Pure functions; knows no column.
"""

import re
from dataclasses import replace

from knowledge.pdf.geometry import Area, union
from knowledge.pdf.glyphs import TextLine

# A sign that belongs to the figure after it, however far away that is set.
_SIGNS = {"$", "€", "£", "¥", "(", "$(", "€("}
_TRAILING_SIGN = re.compile(r"^(.*\S)\s+([$€£¥]\s?\(?)$")
_NUMBER = r"(?:[($€£¥+\-–—~<>≤≥]\s?){0,4}\d[\d.,'’ ]*\s?(?:%|\)|x|pp|bps|[kKmM]|€|\*|†)*(?:\(\w\))?"
_FIGURE = re.compile(
    rf"{_NUMBER}(?:\s?[–-]\s?{_NUMBER})?|[$€£¥]?\s?[—–-]+\s?%?|n/?[am]\.?|\*+", re.IGNORECASE
)
_LONGEST_FIGURE = 40
# Several years, or one behind a unit such as “(in millions)”, are a header.
_YEAR = re.compile(r"(?:19|20)\d\d")
Part = tuple[str, Area]
Parts = tuple[Part, ...]


def side_by_side(lines: list[TextLine]) -> list[list[int]]:
    """Lines that follow each other at the same height: wide gaps may have parted one row."""
    rows: list[list[int]] = []
    for index, line in enumerate(lines):
        before = lines[index - 1].area if index else None
        if before and before.right < line.area.left and _same_height(before, line.area):
            rows[-1].append(index)
        else:
            rows.append([index])
    return rows


def _same_height(one: Area, other: Area) -> bool:
    return abs(one.center[1] - other.center[1]) < 0.4 * min(one.height, other.height)


def merged(lines: list[TextLine]) -> TextLine:
    if len(lines) == 1:
        return lines[0]
    return replace(
        lines[0],
        text=" ".join(line.text for line in lines),
        area=union(line.area for line in lines),
        cells=tuple(cell for line in lines for cell in line.cells),
    )


def split_signs(cells: Parts) -> Parts:
    """Each sign with the figure it belongs to: the one after it, also from the end of a part.

    A sign may stand far from its figure, so it adds nothing to the figure's place.
    """
    parts: list[Part] = []
    sign: Part | None = None
    for text, area in cells:
        trailing = _TRAILING_SIGN.match(text)
        lead = f"{sign[0]} " if sign else ""
        if text in _SIGNS:
            sign = (text, area)
        elif trailing and _is_figure(trailing.group(1)):
            cut = area.left + area.width * len(trailing.group(1)) / len(text)
            parts.append((lead + trailing.group(1), area._replace(right=cut)))
            sign = (trailing.group(2), area._replace(left=cut))
        else:
            parts.append((lead + text, area))
            sign = None
    return (*parts, sign) if sign is not None else tuple(parts)


def _is_figure(text: str) -> bool:
    return len(text) <= _LONGEST_FIGURE and _FIGURE.fullmatch(text) is not None


def labelled(parts: Parts, above: list[Parts]) -> tuple[Part | None, Parts]:
    """The label and the figures behind it; no figures when a part is neither."""
    if len(parts) < 2 or not all(_is_figure(text) for text, _area in parts[1:]):
        return None, ()
    is_unit = parts[0][0].startswith("(")
    if (is_unit or len(parts) > 2) and all(_YEAR.fullmatch(text) for text, _area in parts[1:]):
        return None, ()
    if not _is_figure(parts[0][0]):
        return parts[0], parts[1:]
    # A figure may be the label, such as a year: then it stands left of all the others.
    left = min((cells[0][1].left for cells in above if cells), default=0.0)
    return (parts[0], parts[1:]) if parts[0][1].right < left else (None, parts)
