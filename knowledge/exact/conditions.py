"""Values and figures of a question → filters; nothing when one of them can't be placed.

A number is worth nothing without its column: named beside it, or the only one for years or places.
Knows no plan.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from knowledge.exact.plans import Filter, Operator
from knowledge.exact.reading import ColumnMention, Figure, Mention, Reading, Span
from knowledge.exact.views import ViewColumn
from knowledge.exact.words import FILLER, listed, stem

_BEFORE: tuple[tuple[str, Operator], ...] = (
    (r"(?:more|greater|higher|larger|longer|older|bigger|taller) than(?: or equal to)?", ">"),
    (r"(?:less|fewer|lower|smaller|shorter|younger) than(?: or equal to)?", "<"),
    (r"(?:over|above|exceed\w*|beyond|passed)", ">"),
    (r"(?:under|below)", "<"),
    (r"(?:at least|no less than|not less than|minimum of|no fewer than)", ">="),
    (r"(?:at most|no more than|not more than|up to|maximum of)", "<="),
    (r"(?:after|later than)", ">"),
    (r"(?:before|prior to|earlier than|until)", "<"),
    (r"since", ">="),
)  # fmt: skip
_AFTER: tuple[tuple[str, Operator], ...] = (
    (r"(?:\w+ )?(?:or|and) (?:more|higher|greater|above|over|later|better)", ">="),
    (r"(?:\w+ )?(?:or|and) (?:less|fewer|lower|below|under|earlier)", "<="),
)
RANKS = frozenset(map(stem, ("rank", "position", "place", "pos", "placing", "finish", "placement")))
YEARS = frozenset(map(stem, ("year", "season", "date")))
# A value behind one of these is a border, not a match.
_APART = frozenset(listed("after before since until between over under above below than"))
_NOT = frozenset(listed("not except besides excluding outside non"))
# A word that so many different cells hold is hardly the mark of some of them.
MOST_TEXTS = 5
# So far from a number its column may be named, in words.
NEAR_AFTER, NEAR_BEFORE = 3, 4


@dataclass(frozen=True)
class Conditions:
    """Filters, and the words that they account for."""

    filters: tuple[Filter, ...]
    spans: tuple[Span, ...]


def conditions_in(
    reading: Reading, *, without: Sequence[Span] = (), prefer: Sequence[int] = ()
) -> Conditions | None:
    """All values and figures outside `without` as filters; None when one has no sure place."""
    filters: list[Filter] = []
    spans: list[Span] = []
    for mention in reading.values:
        if _overlaps(mention.span, without):
            continue
        found = _of_value(reading, mention, prefer)
        if found is None:
            return None
        filters.append(found[0])
        spans += found[1]
    for figure in reading.figures:
        if _overlaps(figure.span, without):
            continue
        placed = _of_figure(reading, figure)
        if placed is None:
            return None
        filters.append(placed[0])
        spans += placed[1]
    read = [*spans, *without]
    for index, word in enumerate(reading.words):
        if word in _APART and not any(index in span for span in read):
            return None
    return Conditions(tuple(filters), tuple(spans))


def _negation(reading: Reading, span: Span) -> Span | None:
    """“not from Canada”, “except Canada”: the word that turns the value into all others."""
    for index in range(span.start - 1, max(-1, span.start - 4), -1):
        if reading.words[index] in _NOT:
            return Span(index, index + 1)
        if reading.words[index] not in FILLER:
            return None
    return None


def _overlaps(span: Span, others: Sequence[Span]) -> bool:
    return any(span.start < other.end and other.start < span.end for other in others)


def _of_value(
    reading: Reading, mention: Mention, prefer: Sequence[int]
) -> tuple[Filter, list[Span]] | None:
    columns = set(mention.columns)
    named = _column_near(reading, mention.span)
    if len(columns) > 1 and named and named.column.index in columns:
        columns = {named.column.index}
    if len(columns) > 1 and columns & set(prefer):
        columns &= set(prefer)
    if len(columns) != 1:
        return None
    column = columns.pop()
    if not mention.is_whole and len(mention.columns[column]) > MOST_TEXTS:
        return None
    spans = [mention.span]
    negated = _negation(reading, mention.span)
    if negated:
        spans.append(negated)
    if named and named.column.index == column:
        spans.append(named.span)
    return Filter(column, "!=" if negated else "=", tuple(sorted(mention.columns[column]))), spans


def _of_figure(reading: Reading, figure: Figure) -> tuple[Filter, list[Span]] | None:
    operator, spans = _operator(reading, figure)
    named = _column_near(reading, figure.span)
    places = [(named.column, [named.span])] if named and _may_hold(named.column, figure) else []
    if usual := _usual_column(reading, figure):
        places.append((usual, []))
    for column, read in places:
        if found := _filter(reading, column, operator, figure):
            # Whatever else names the column says no more: “delivery … of more than 8 weeks”.
            read = [one.span for one in reading.columns if one.column == column] or read
            return found, [*spans, *read, figure.span]
    return None


def _operator(reading: Reading, figure: Figure) -> tuple[Operator, list[Span]]:
    """The comparison beside the figure, and its words."""
    before = " ".join(reading.words[: figure.span.start])
    after = " ".join(reading.words[figure.span.end :])
    for pattern, operator in _BEFORE:
        if found := re.search(rf"\b{pattern}(?: the)?(?: year)?$", before):
            size = len(found[0].split())
            return operator, [Span(figure.span.start - size, figure.span.start)]
    for pattern, operator in _AFTER:
        if found := re.match(pattern, after):
            return operator, [Span(figure.span.end, figure.span.end + len(found[0].split()))]
    return "=", []


def _column_near(reading: Reading, span: Span) -> ColumnMention | None:
    """The column that is named right after these words, else right before."""
    return reading.column_at(span.end, span.end + NEAR_AFTER) or next(
        (
            one
            for one in reversed(reading.columns)
            if span.start - NEAR_BEFORE <= one.span.start and one.span.end <= span.start
        ),
        None,
    )


def _may_hold(column: ViewColumn, figure: Figure) -> bool:
    if column.type == "date":
        return figure.is_year
    if column.is_number and figure.is_year and column.statistics.get("max", 0) < 1000:
        return False
    return column.is_number or figure.is_year or figure.is_ordinal


def _usual_column(reading: Reading, figure: Figure) -> ViewColumn | None:
    """The only column of years for a year, the only one of ranks for a place."""
    wanted = YEARS if figure.is_year else RANKS if figure.is_ordinal else frozenset()
    found = [column for column in reading.view.columns if wanted & set(column.words)]
    return found[0] if len(found) == 1 else None


def _filter(
    reading: Reading, column: ViewColumn, operator: Operator, figure: Figure
) -> Filter | None:
    if column.is_number:
        return Filter(column.index, operator, (figure.value,))
    if column.type == "date" and figure.is_year:
        if operator == "=":
            return Filter(column.index, "year", (figure.value,))
        day = "12-31" if operator in (">", "<=") else "01-01"
        return Filter(column.index, operator, (f"{figure.value}-{day}",))
    if operator != "=":
        return None
    shown: set[str] = set()
    for word in _spellings(reading, figure):
        shown |= reading.view.parts((word,)).get(column.index, set())
        shown |= reading.view.whole.get(word, {}).get(column.index, set())
    return Filter(column.index, "=", tuple(sorted(shown))) if shown else None


def _spellings(reading: Reading, figure: Figure) -> tuple[str, ...]:
    """How cells may write the figure: “1st” also for “first”."""
    if not figure.is_ordinal:
        return (reading.words[figure.span.start],)
    ending = {1: "st", 2: "nd", 3: "rd"}.get(int(figure.value) % 10, "th")
    return (f"{figure.value}{'th' if 10 < figure.value < 20 else ending}", str(figure.value))


def matching(reading: Reading, filters: Sequence[Filter]) -> list[int]:
    """Numbers of the rows that planning knows and these filters keep."""
    return [
        row.number
        for row in reading.view.rows
        if all(_keeps(one, row.texts[one.column], row.cells[one.column]) for one in filters)
    ]


def _keeps(one: Filter, text: str, value: object) -> bool:
    if all(isinstance(item, str) for item in one.values) and one.operator in ("=", "!="):
        return (text in one.values) == (one.operator == "=")
    if value is None:
        return False
    first = one.values[0]
    if one.operator == "year":
        return str(value).startswith(f"{first}-")
    if one.operator in ("=", "!="):
        return (value == first) == (one.operator == "=")
    is_more, is_less = _gt(value, first), _gt(first, value)
    return {">": is_more, "<": is_less, ">=": not is_less, "<=": not is_more}[one.operator]


def _gt(left: object, right: object) -> bool:
    return bool(left > right)  # type: ignore[operator]
