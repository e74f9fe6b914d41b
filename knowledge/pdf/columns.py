"""Tables without lines: rows whose words stand in the same columns. Pure functions."""

from knowledge.pdf.geometry import Area, union
from knowledge.pdf.glyphs import TextLine

FEWEST_ROWS = 3
MOST_ROWS = 400
# A sign that belongs to the figure after it, however far away that is set.
_SIGNS = {"$", "€", "£", "¥", "("}

Rows = tuple[tuple[str, ...], ...]


def has_bold_header(lines: list[TextLine]) -> bool:
    """Whether the first row is set apart from the second as a header."""
    return lines[0].is_bold and not lines[1].is_bold


def aligned_rows(lines: list[TextLine]) -> tuple[Rows, tuple[Area, ...]]:
    """The table that begins with the first of these lines, and each row's place; or nothing."""
    run: list[tuple[tuple[str, Area], ...]] = []
    for line in lines[:MOST_ROWS]:
        parts = _with_signs_joined(line.cells)
        if len(parts) < 2 or (run and not _is_below(run[-1], parts)):
            break
        run.append(parts)
    while len(run) >= FEWEST_ROWS:
        columns = _columns(run)
        if len(columns) >= 2 and _is_filled(run, columns):
            rows = tuple(_row(parts, columns) for parts in run)
            return rows, tuple(union(area for _text, area in parts) for parts in run)
        run.pop()
    return (), ()


def _with_signs_joined(
    cells: tuple[tuple[str, Area], ...],
) -> tuple[tuple[str, Area], ...]:
    joined: list[tuple[str, Area]] = []
    for text, area in cells:
        if joined and joined[-1][0] in _SIGNS:
            sign, place = joined.pop()
            joined.append((f"{sign} {text}", union([place, area])))
        else:
            joined.append((text, area))
    return tuple(joined)


def _is_below(before: tuple[tuple[str, Area], ...], parts: tuple[tuple[str, Area], ...]) -> bool:
    """Whether the row stands below the one before, near enough to be of one table."""
    upper, lower = before[0][1], parts[0][1]
    return -0.5 * lower.height < lower.top - upper.bottom < 2.5 * lower.height


def _columns(run: list[tuple[tuple[str, Area], ...]]) -> list[tuple[float, float]]:
    """Where words stand in any row, as stretches from left to right that don't overlap."""
    stretches: list[tuple[float, float]] = []
    for left, right in sorted((area.left, area.right) for row in run for _text, area in row):
        if stretches and left < stretches[-1][1] + 1:
            stretches[-1] = (stretches[-1][0], max(stretches[-1][1], right))
        else:
            stretches.append((left, right))
    return stretches


def _is_filled(run: list[tuple[tuple[str, Area], ...]], columns: list[tuple[float, float]]) -> bool:
    """Whether no row has two parts in one column, and most cells hold something."""
    filled = 0
    for parts in run:
        taken = [_column(area, columns) for _text, area in parts]
        if len(set(taken)) < len(taken):
            return False
        filled += len(taken)
    return filled >= 0.6 * len(run) * len(columns)


def _column(area: Area, columns: list[tuple[float, float]]) -> int:
    x = area.center[0]
    return next(i for i, (left, right) in enumerate(columns) if left <= x <= right)


def _row(
    parts: tuple[tuple[str, Area], ...], columns: list[tuple[float, float]]
) -> tuple[str, ...]:
    cells = [""] * len(columns)
    for text, area in parts:
        cells[_column(area, columns)] = text
    return tuple(cells)
