"""Questions for the most, the least, the longest: a row by the extreme of a column."""

from knowledge.exact.conditions import RANKS, conditions_in
from knowledge.exact.plans import Order, Plan
from knowledge.exact.reading import Reading, Span
from knowledge.exact.targets import asked_column, key_column
from knowledge.exact.views import ViewColumn
from knowledge.exact.words import listed, stem

UNREAD = {"extreme": 1, "most": 1}
_LARGE = frozenset(listed("most highest largest biggest greatest maximum max"))
_SMALL = frozenset(listed("least lowest smallest fewest minimum min"))
# An adjective and the columns that it may measure.
_ADJECTIVES = {
    "longest": ("length duration distance", True), "shortest": ("length duration distance", False),
    "tallest": ("height", True), "oldest": ("age", True), "youngest": ("age", False),
    "heaviest": ("weight mass", True), "lightest": ("weight mass", False),
    "earliest": ("date year", False), "latest": ("date year", True),
    "newest": ("date year", True), "cheapest": ("price cost", False),
    "fastest": ("speed", True), "slowest": ("speed", False),
    "expensive": ("price cost", True), "populated": ("population", True),
    "populous": ("population", True),
}  # fmt: skip


def extreme(reading: Reading) -> Plan | None:
    """“Which date had the most attendance?”, “What is the lowest price?”"""
    for place, word in enumerate(reading.words):
        if word in _LARGE | _SMALL:
            return _by_word(reading, place, word in _LARGE)
        if word in _ADJECTIVES:
            names, is_large = _ADJECTIVES[word]
            return _by_adjective(reading, place, names.split(), is_large)
    return None


def _by_word(reading: Reading, place: int, is_large: bool) -> Plan | None:
    measured = reading.column_at(place + 1, place + 5)
    if measured is None or not measured.column.is_ordered:
        return _most(reading, place, is_large)
    return _plan(reading, place, measured.column, (measured.span,), is_large)


def _by_adjective(reading: Reading, place: int, names: list[str], is_large: bool) -> Plan | None:
    wanted = {stem(name) for name in names}
    columns = [
        column
        for column in reading.view.columns
        if column.is_ordered and wanted & set(column.words)
    ]
    if len(columns) != 1:
        return None
    spans = [one.span for one in reading.columns if one.column == columns[0]]
    return _plan(reading, place, columns[0], tuple(spans), is_large)


def _plan(
    reading: Reading, place: int, measured: ViewColumn, spans: tuple[Span, ...], is_large: bool
) -> Plan | None:
    """The asked cell of the row with the extreme, or the extreme itself."""
    if len([w for w in reading.words if w in _LARGE | _SMALL]) > 1 or "how many" in reading.text:
        return None
    # The highest rank is 1.
    if RANKS & set(measured.words):
        is_large = not is_large
    found = conditions_in(reading)
    if found is None or any(one.column == measured.index for one in found.filters):
        return None
    asked = asked_column(reading, until=place, besides=(measured.index,))
    named = asked[1] if asked else ()
    target = asked[0].index if asked else measured.index
    if not asked and ("who" in reading.words or "which" in reading.words):
        key = key_column(reading, (measured.index,))
        if key is None or reading.words[0] not in ("who", "which"):
            return None
        target, named = key.index, (Span(0, min(2, place)),)
    spans_all = [*found.spans, *spans, *named, Span(place, place + 1)]
    if len(reading.unread(spans_all)) > UNREAD["extreme"]:
        return None
    return Plan("extreme", (target,), found.filters, order=Order(measured.index, is_large), limit=1)


def _most(reading: Reading, place: int, is_large: bool) -> Plan | None:
    """“Which country had the most riders?” where each rider is a row: the commonest value."""
    asked = asked_column(reading, until=place)
    found = conditions_in(reading)
    if asked is None or found is None or reading.figures:
        return None
    column, spans = asked
    if column.is_unique or column.is_ordered or not is_large:
        return None
    if any(one.column == column.index for one in found.filters):
        return None
    others = [one.span for one in reading.columns]
    thing = Span(place, place + 2)
    if len(reading.unread([*found.spans, *spans, *others, thing])) > UNREAD["most"]:
        return None
    return Plan("most", (), found.filters, group=column.index, order=Order(None, True))
