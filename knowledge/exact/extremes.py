"""Questions for the most, the least, the longest: a row by the extreme of a column."""

from knowledge.exact.conditions import RANKS, conditions_in
from knowledge.exact.plans import Kind, Order, Plan
from knowledge.exact.reading import Figure, Reading, Span
from knowledge.exact.targets import asked_column, key_column
from knowledge.exact.views import ViewColumn
from knowledge.exact.words import listed, stem

# Of “the n largest”.
MOST_ROWS = 20
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
    """“Which date had the most attendance?”, “What is the lowest price?”, “the 3 cheapest”."""
    for place, word in enumerate(reading.words):
        following = reading.words[place + 1] if place + 1 < len(reading.words) else ""
        if word in ("most", "least") and following in _ADJECTIVES:
            names, is_large = _ADJECTIVES[following]
            span = Span(place, place + 2)
            return _by_adjective(reading, span, names.split(), is_large == (word == "most"))
        if word in _LARGE | _SMALL:
            return _by_word(reading, Span(place, place + 1), word in _LARGE)
        if word in _ADJECTIVES:
            names, is_large = _ADJECTIVES[word]
            return _by_adjective(reading, Span(place, place + 1), names.split(), is_large)
    return None


def _by_word(reading: Reading, word: Span, is_large: bool) -> Plan | None:
    measured = reading.column_at(word.end, word.end + 4)
    if measured is None or not measured.column.is_ordered:
        return _most(reading, word.start, is_large)
    return _plan(reading, word, measured.column, (measured.span,), is_large)


def _by_adjective(reading: Reading, word: Span, names: list[str], is_large: bool) -> Plan | None:
    wanted = {stem(name) for name in names}
    columns = [
        column
        for column in reading.view.columns
        if column.is_ordered and wanted & set(column.words)
    ]
    named = reading.column_at(word.end, word.end + 3)
    if not columns and named and named.column.is_ordered:
        columns = [named.column]  # “the longest lead time”
    if len(columns) != 1:
        return None
    spans = [one.span for one in reading.columns if one.column == columns[0]]
    return _plan(reading, word, columns[0], tuple(spans), is_large)


def _plan(
    reading: Reading, word: Span, measured: ViewColumn, spans: tuple[Span, ...], is_large: bool
) -> Plan | None:
    """The asked cell of the row with the extreme, or the extreme itself; of several rows for n."""
    if len([w for w in reading.words if w in _LARGE | _SMALL]) > 1 or "how many" in reading.text:
        return None
    # The highest rank is 1.
    if RANKS & set(measured.words):
        is_large = not is_large
    how_many = _how_many(reading, word)
    found = conditions_in(reading, without=[how_many.span] if how_many else [])
    if found is None or any(one.column == measured.index for one in found.filters):
        return None
    pointed = _target(reading, word, measured, is_many=how_many is not None)
    if pointed is None:
        return None
    target, named = pointed
    counted = (how_many.span,) if how_many else ()
    spans_all = [*found.spans, *spans, *named, *counted, word]
    if len(reading.unread(spans_all)) > UNREAD["extreme"]:
        return None
    limit = int(how_many.value) if how_many else 1
    kind: Kind = "top" if how_many else "extreme"
    return Plan(kind, (target,), found.filters, order=Order(measured.index, is_large), limit=limit)


def _how_many(reading: Reading, word: Span) -> Figure | None:
    """“the *three* most expensive parts”, “the top *3* … by price”."""
    for figure in reading.figures:
        is_beside = figure.span.end == word.start or figure.span.start == word.end
        is_count = isinstance(figure.value, int) and not figure.is_ordinal
        if is_beside and is_count and 2 <= figure.value <= MOST_ROWS:
            return figure
    return None


def _target(
    reading: Reading, word: Span, measured: ViewColumn, *, is_many: bool
) -> tuple[int, tuple[Span, ...]] | None:
    """The column that is asked for: named, what the rows are, or the measured one itself."""
    asked = asked_column(reading, until=word.start, besides=(measured.index,))
    if asked and not is_many:
        return asked[0].index, asked[1]
    # “the cheapest machine” asks which, in a table of machines.
    thing = reading.words[word.end] if word.end < len(reading.words) else ""
    is_named = (
        stem(thing) in reading.view.name and reading.column_at(word.end, word.end + 1) is None
    )
    named = reading.column_at(word.end, word.end + 3) if is_many else None
    if named and named.column != measured:
        return named.column.index, (named.span,)
    if "who" in reading.words or "which" in reading.words or is_many or is_named:
        key = key_column(reading, (measured.index,))
        if key is None or not (reading.words[0] in ("who", "which") or is_many or is_named):
            return None
        return key.index, (Span(0, min(2, word.start)),)
    return measured.index, ()


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
