"""Questions by the rows' own order: the next, the one before, the first, the last."""

import re

from knowledge.exact.conditions import conditions_in
from knowledge.exact.plans import Filter, Neighbour, Order, Plan
from knowledge.exact.reading import Mention, Reading, Span
from knowledge.exact.targets import asked_column, is_time
from knowledge.exact.views import ViewColumn
from knowledge.exact.words import VERBS, listed

UNREAD = {"neighbour": 1, "first": 0}
_AFTER = re.compile(r"\b(?:next|after|following|follows|below|beneath|under)\b")
_BEFORE = re.compile(r"\b(?:previous|before|preceding|precedes|above|prior to)\b")
# The rows' own order is meant.
_LISTED = frozenset(listed("listed list table chart above below row"))
_WORDS = frozenset(
    listed(
        "next after following follows below beneath under previous before preceding precedes above "
        "prior immediately directly right just to came comes listed"
    )
)


def neighbour(reading: Reading) -> Plan | None:
    """“Which team is listed after Widnes?”: one row is named, the answer stands beside it."""
    after, before = _AFTER.search(reading.text), _BEFORE.search(reading.text)
    if reading.figures or len(reading.values) != 1 or "how many" in reading.text:
        return None
    (mention,) = reading.values
    step = _step(reading, mention, bool(after), bool(before))
    column = _anchor_column(mention)
    if step is None or column is None or not is_in_order(reading):
        return None
    shown = mention.columns[column]
    if len(reading.view.rows_with(column, shown)) != 1:
        return None
    asked = asked_column(reading, until=mention.span.start)
    target = asked[0].index if asked else column
    marks = [Span(i, i + 1) for i, word in enumerate(reading.words) if word in _WORDS]
    named = [one.span for one in reading.columns if one.column.index in (target, column)]
    unread = reading.unread([mention.span, *marks, *named])
    if len(unread) > UNREAD["neighbour"]:
        return None
    anchor = (Filter(column, "=", tuple(sorted(shown))),)
    return Plan("neighbour", (target,), neighbour=Neighbour(anchor, step))


def is_in_order(reading: Reading) -> bool:
    """Whether later rows are later in time too, as far as the table tells."""
    if _LISTED & set(reading.words):
        return True
    for column in reading.view.columns:
        if is_time(column):
            values = [row.cells[column.index] for row in reading.view.rows]
            filled = [value for value in values if value is not None]
            if filled != sorted(filled):
                return False
    return True


def _step(reading: Reading, mention: Mention, after: bool, before: bool) -> int | None:
    """+1 or -1 by the word that leads to the value; nothing when both stand there."""
    if after == before:
        return None
    return 1 if after else -1


def _anchor_column(mention: Mention) -> int | None:
    return next(iter(mention.columns)) if len(mention.columns) == 1 and mention.is_whole else None


def first_or_last(reading: Reading) -> Plan | None:
    """“What is the last album listed?”: of all rows, or of those that filters keep."""
    word = next((w for w in reading.words if w in ("first", "last")), None)
    if word is None:
        return None
    place = reading.words.index(word)
    found = conditions_in(reading, without=[Span(place, place + 1)])
    asked = asked_column(reading) or _named_next(reading, place)
    if found is None or asked is None or not is_in_order(reading):
        return None
    column, spans = asked
    if any(one.column == column.index for one in found.filters):
        return None
    is_told = _LISTED & set(reading.words) or any(map(is_time, reading.view.columns))
    if VERBS & set(reading.words) and not is_told:
        return None
    unread = reading.unread([*found.spans, *spans, Span(place, place + 1)])
    if len(unread) > UNREAD["first"]:
        return None
    return Plan(
        "first", (column.index,), found.filters, order=Order(None, word == "last"),
        limit=1,
    )  # fmt: skip


def _named_next(reading: Reading, place: int) -> tuple[ViewColumn, tuple[Span, ...]] | None:
    named = reading.column_at(place + 1, place + 3)
    return (named.column, (named.span,)) if named else None
