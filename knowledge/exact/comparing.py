"""Questions about two: who has more, which came first, and by how much."""

import re
from collections.abc import Sequence

from knowledge.exact.conditions import RANKS
from knowledge.exact.plans import Filter, Order, Plan
from knowledge.exact.reading import ColumnMention, Mention, Reading, Span
from knowledge.exact.targets import is_quantity
from knowledge.exact.views import ViewColumn
from knowledge.exact.words import listed

UNREAD = {"difference": 1, "compare": 1}
_MORE = frozenset(listed("more most higher highest larger largest greater bigger longer better"))
_LESS = frozenset(listed("less least fewer fewest lower lowest smaller shorter"))
_FIRST = frozenset(listed("first earlier before"))
_LAST = frozenset(listed("last later after"))
_MARKS = (
    _MORE | _LESS | _FIRST | _LAST | {"or", "than", "difference", "between", "compared", "does"}
)


def difference(reading: Reading) -> Plan | None:
    """“How many more points has Anna than Bo?”, “the difference in price between A and B”."""
    is_asked = "difference" in reading.words or re.search(
        r"\bhow (?:many|much) (?:more|less|fewer|higher|lower|longer|larger)\b", reading.text
    )
    pair = _pair(reading)
    measured = [one for one in reading.columns if is_quantity(one.column)]
    if not is_asked or pair is None or len(measured) != 1:
        return None
    if not _is_read(reading, measured[0], UNREAD["difference"]):
        return None
    column, (left, right) = pair
    values = _values(reading, measured[0].column, column, (left, right))
    if values is None:
        return None
    # The larger one first, so that the difference has no sign.
    if values[0] < values[1]:
        left, right = right, left
    select = (measured[0].column.index,)
    return Plan("difference", select, (_is(column, left),), minus=(_is(column, right),))


def compare(reading: Reading) -> Plan | None:
    """“Who had more caps, Dempsey or Beasley?”: one of two rows, by a named column."""
    pair = _pair(reading)
    if pair is None or "or" not in reading.words or "how" in reading.words:
        return None
    column, mentions = pair
    words = set(reading.words)
    is_large, is_small = bool(words & _MORE), bool(words & _LESS)
    if is_large == is_small:
        return _earlier(reading, column, mentions)
    measured = [one for one in reading.columns if one.column.is_ordered]
    if len(measured) != 1 or not _is_read(reading, measured[0], UNREAD["compare"]):
        return None
    values = _values(reading, measured[0].column, column, mentions)
    if values is None or values[0] == values[1]:
        return None
    if RANKS & set(measured[0].column.words):
        is_large = not is_large
    both = (_is(column, *mentions),)
    order = Order(measured[0].column.index, is_large)
    return Plan("compare", (column,), both, order=order, limit=1)


def _earlier(reading: Reading, column: int, mentions: Sequence[Mention]) -> Plan | None:
    """Which of two stands, or lies, first."""
    words = set(reading.words)
    is_first, is_last = bool(words & _FIRST), bool(words & _LAST)
    if is_first == is_last or not _is_read(reading, None, UNREAD["compare"]):
        return None
    times = [one for one in reading.view.columns if one.type == "date" or one.words == ("year",)]
    by = times[0].index if len(times) == 1 and times[0].is_ordered else None
    if by is not None:
        values = _values(reading, times[0], column, mentions)
        if values is None or values[0] == values[1]:
            return None
    both = (_is(column, *mentions),)
    return Plan("compare", (column,), both, order=Order(by, is_last), limit=1)


def _pair(reading: Reading) -> tuple[int, tuple[Mention, Mention]] | None:
    """Two values of one column that name one row each, and nothing else."""
    if len(reading.values) != 2 or reading.figures:
        return None
    left, right = reading.values
    columns = set(left.columns) & set(right.columns)
    if len(columns) != 1:
        return None
    column = columns.pop()
    for mention in (left, right):
        if len(reading.view.rows_with(column, mention.columns[column])) != 1:
            return None
    return column, (left, right)


def _is_read(reading: Reading, measured: ColumnMention | None, most: int) -> bool:
    marks = [Span(i, i + 1) for i, word in enumerate(reading.words) if word in _MARKS]
    named = [one.span for one in reading.columns]
    spans = [*(one.span for one in reading.values), *marks, *named]
    return len(reading.unread(spans)) <= most


def _values(
    reading: Reading, measured: ViewColumn, column: int, mentions: Sequence[Mention]
) -> tuple[float, float] | None:
    """The two rows' values, when both have one."""
    if measured.index == column:
        return None
    rows = [reading.view.rows_with(column, one.columns[column])[0] for one in mentions]
    left, right = (row.cells[measured.index] for row in rows)
    if left is None or right is None:
        return None
    return left, right  # type: ignore[return-value]


def _is(column: int, *mentions: Mention) -> Filter:
    shown = sorted(text for mention in mentions for text in mention.columns[column])
    return Filter(column, "=", tuple(shown))
