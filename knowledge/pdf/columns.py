"""Tables without lines: rows whose words stand in the same columns. Pure functions.

Two kinds: rows of figures behind a label, as in a balance sheet, and rows of words. A label on a
line of its own, or over two lines, belongs to the former; what stands above is its header
(headers).
"""

from dataclasses import dataclass, replace
from statistics import median

from knowledge.pdf.figures import Part, Parts, labelled, merged, side_by_side, split_signs
from knowledge.pdf.geometry import Area, union
from knowledge.pdf.glyphs import TextLine
from knowledge.pdf.headers import find_header

FEWEST_ROWS = 3
MOST_ROWS = 400
MOST_LABELS = 3
MOST_HEADER = 4
LONGEST_LABEL = 200
# Cells of most tables are shorter than this.
_PROSE = 45
# A label that ends so is not at its end.
_GOES_ON = {"and", "or", "of", "the", "in", "to", "for", "from", "with", "on", "by", "&"}


Rows = tuple[tuple[str, ...], ...]
Stretch = tuple[float, float]


@dataclass(frozen=True)
class FoundTable:
    """A table among the lines of a page."""

    rows: Rows
    areas: tuple[Area, ...]
    has_header: bool
    # Where it stands among the lines, and all lines that are part of it.
    first: int
    taken: frozenset[int]


@dataclass(frozen=True)
class _Run:
    """Rows that follow each other: the lines they are made of, label, cells."""

    lines: tuple[tuple[int, ...], ...]
    labels: tuple[Part | None, ...]
    cells: tuple[Parts, ...]
    columns: tuple[Stretch, ...]


def find_tables(lines: list[TextLine]) -> list[FoundTable]:
    """All tables without lines, from top to bottom."""
    rows = side_by_side(lines)
    visual = [merged([lines[number] for number in row]) for row in rows]
    found: list[FoundTable] = []
    index = free = 0
    while index < len(visual):
        table = _figures(visual, index, free) or _words_or_figures(visual, index, free)
        if table is None:
            index += 1
            continue
        index = free = max(table.taken) + 1
        taken = frozenset(number for row in table.taken for number in rows[row])
        found.append(replace(table, first=rows[table.first][0], taken=taken))
    return found


def _figures(lines: list[TextLine], start: int, free: int) -> FoundTable | None:
    """The table of figures that begins with this line."""
    run = _trimmed(_run(lines, start))
    if run is None:
        return None
    header = find_header(lines, range(free, start), lines[start].area, run.columns)
    rows: list[tuple[str, ...]] = []
    areas: list[Area] = []
    if header is not None:
        rows, areas = [header.row], [header.area]
        run = _with_labels(lines, run, header.labels)
    for numbers, label, cells in zip(run.lines, run.labels, run.cells, strict=True):
        rows.append((label[0] if label else "", *_row(cells, run.columns)))
        areas.append(union(lines[number].area for number in numbers))
    taken = {number for numbers in run.lines for number in numbers}
    taken |= set(header.lines) if header else set()
    return FoundTable(tuple(rows), tuple(areas), header is not None, start, frozenset(taken))


def _with_labels(lines: list[TextLine], run: _Run, above: tuple[int, ...]) -> _Run:
    """With the labels between header and first row as rows, or as the first label's beginning."""
    lead = _lead(lines, list(above), run.labels[0])
    alone = above[: len(above) - len(lead)]
    return replace(
        run,
        lines=(*((n,) for n in alone), (*lead, *run.lines[0]), *run.lines[1:]),
        labels=(
            *(lines[n].cells[0] for n in alone),
            _joined(lines, lead, run.labels[0]),
            *run.labels[1:],
        ),
        cells=(*(() for _ in alone), *run.cells),
    )


def _words_or_figures(lines: list[TextLine], start: int, free: int) -> FoundTable | None:
    """A table of words, unless its first lines are the header of one of figures."""
    table = _words(lines, start)
    if table is None:
        return None
    for index in range(start + 1, min(start + 1 + MOST_HEADER, max(table.taken))):
        if (below := _figures(lines, index, free)) is not None:
            return below if start in below.taken else table
    return table


def _run(lines: list[TextLine], start: int) -> _Run | None:
    """Labelled figures from this line on, with labels on lines of their own between them."""
    numbers: list[tuple[int, ...]] = []
    labels: list[Part | None] = []
    cells: list[Parts] = []
    pending: list[int] = []
    for index in range(start, min(len(lines), start + MOST_ROWS)):
        line, parts = lines[index], split_signs(lines[index].cells)
        if index > start and not _is_below(lines[index - 1].area, line.area):
            break
        label, figures = labelled(parts, cells)
        if figures and (label is not None or (cells and len(figures) == len(cells[0]))):
            lead = _lead(lines, pending, label)
            for number in pending[: len(pending) - len(lead)]:
                numbers.append((number,))
                labels.append(lines[number].cells[0])
                cells.append(())
            numbers.append((*lead, index))
            labels.append(_joined(lines, lead, label))
            cells.append(figures)
            pending = []
        elif cells and _is_label(parts, cells) and len(pending) < MOST_LABELS:
            pending.append(index)
        else:
            break
    return _Run(tuple(numbers), tuple(labels), tuple(cells), ()) if cells else None


def _trimmed(run: _Run | None) -> _Run | None:
    """The longest beginning whose figures stand in columns; None when that is no table."""
    while run is not None:
        filled = sum(1 for cells in run.cells if cells)
        columns = _columns([cells for cells in run.cells if cells])
        if filled < (2 if len(columns) > 1 else FEWEST_ROWS):
            return None
        if run.cells[-1] and _are_distinct(run.cells, columns):
            return replace(run, columns=tuple(columns))
        run = replace(run, lines=run.lines[:-1], labels=run.labels[:-1], cells=run.cells[:-1])
    return None


def _is_label(parts: Parts, cells: list[Parts]) -> bool:
    """One stretch of words that leaves the figures' columns free, or nearly so."""
    if len(parts) != 1 or len(parts[0][0]) > LONGEST_LABEL:
        return False
    left = min(figures[0][1].left for figures in cells if figures)
    right = max(figures[-1][1].right for figures in cells if figures)
    return parts[0][1].left < left and parts[0][1].right < (left + right) / 2


def _lead(lines: list[TextLine], pending: list[int], label: Part | None) -> list[int]:
    """The last lines before a row that are the beginning of its own label."""
    if not pending or label is None:
        return []
    last = lines[pending[-1]].text
    goes_on = label[0][:1].islower() or last.rsplit(" ", 1)[-1] in _GOES_ON or last.endswith(",")
    return [pending[-1]] if goes_on and not last.endswith(":") else []


def _joined(lines: list[TextLine], lead: list[int], label: Part | None) -> Part | None:
    if label is None or not lead:
        return label
    text = " ".join([*(lines[number].text for number in lead), label[0]])
    return text, union([*(lines[number].area for number in lead), label[1]])


def _words(lines: list[TextLine], start: int) -> FoundTable | None:
    """The table of words that begins with this line."""
    run: list[Parts] = []
    for line in lines[start : start + MOST_ROWS]:
        parts = split_signs(line.cells)
        if len(parts) < 2 or (run and not _is_below(run[-1][0][1], parts[0][1])):
            break
        run.append(parts)
    while len(run) >= FEWEST_ROWS:
        columns = _columns(run)
        if len(columns) >= 2 and _are_distinct(run, columns) and _is_filled(run, columns):
            return FoundTable(
                rows=tuple(_row(parts, columns) for parts in run),
                areas=tuple(union(area for _text, area in parts) for parts in run),
                has_header=lines[start].is_bold and not lines[start + 1].is_bold,
                first=start,
                taken=frozenset(range(start, start + len(run))),
            )
        run.pop()
    return None


def _is_below(upper: Area, lower: Area) -> bool:
    """Whether a line stands below the one before, near enough to be of one table."""
    height = min(upper.height, lower.height)
    return -0.5 * height < lower.top - upper.bottom < 2.5 * height


def _columns(run: list[Parts]) -> list[Stretch]:
    """Where words stand in any row, as stretches from left to right that don't overlap."""
    stretches: list[Stretch] = []
    for left, right in sorted((area.left, area.right) for row in run for _text, area in row):
        if stretches and left < stretches[-1][1] + 1:
            stretches[-1] = (stretches[-1][0], max(stretches[-1][1], right))
        else:
            stretches.append((left, right))
    return stretches


def _are_distinct(run: "list[Parts] | tuple[Parts, ...]", columns: list[Stretch]) -> bool:
    """Whether no row has two parts in one column."""
    for parts in run:
        taken = {_column(area, columns) for _text, area in parts}
        if len(taken) < len(parts):
            return False
    return True


def _is_filled(run: list[Parts], columns: list[Stretch]) -> bool:
    """Whether most cells hold something, and not whole lines of text set in two columns."""
    lengths = [len(text) for parts in run for text, _area in parts]
    is_prose = median(lengths) > _PROSE
    return len(lengths) >= 0.6 * len(run) * len(columns) and not is_prose


def _column(area: Area, columns: "list[Stretch] | tuple[Stretch, ...]") -> int:
    x = area.center[0]
    return next(i for i, (left, right) in enumerate(columns) if left <= x <= right)


def _row(parts: Parts, columns: "list[Stretch] | tuple[Stretch, ...]") -> tuple[str, ...]:
    cells = [""] * len(columns)
    for text, area in parts:
        cells[_column(area, columns)] = text
    return tuple(cells)
