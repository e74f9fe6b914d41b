"""Which column a question asks for: named after its question word, or the one for persons, days or
places. Knows no plan."""

from collections.abc import Collection, Sequence

from knowledge.exact.reading import ColumnMention, Reading, Span
from knowledge.exact.views import ViewColumn
from knowledge.exact.words import listed, stem
from knowledge.tables.units import unit_of

PERSONS = frozenset(
    map(
        stem,
        (
            *("player", "name", "driver", "rider", "cyclist", "athlete", "swimmer", "winner"),
            *("candidate", "contestant", "director", "artist", "president", "actor", "actress"),
            *(
                "singer",
                "coach",
                "manager",
                "skier",
                "competitor",
                "champion",
                "author",
                "employee",
            ),
            *("person", "customer", "leader", "minister", "incumbent", "owner", "contact"),
        ),
    )
)
# Numbers that tell rows apart rather than measure something.
LABELS = frozenset(
    map(
        stem,
        (
            *("year", "season", "rank", "position", "place", "pos", "no", "number", "id", "week"),
            *("round", "date", "day", "game", "code", "episode", "pick", "series", "age", "#"),
        ),
    )
)
# What follows these is done, not named: “what was released after …”.
_VERBS = frozenset(listed("was were is are did has have had does"))
_ASKING = ("which", "what", "whose", "who", "when", "where")


def asked_column(
    reading: Reading, *, until: int | None = None, besides: Collection[int] = ()
) -> tuple[ViewColumn, tuple[Span, ...]] | None:
    """The column that the question word points at, and the words that say so."""
    words = reading.words
    end = len(words) if until is None else until
    start = next((index for index in range(len(words)) if _asks(words, index)), None)
    if start is None or start >= end:
        return None
    named = _named_after(reading, start, end)
    asking = words[start]
    if named and named.column.index not in besides:
        is_thing = asking == "who" and named.column.type != "text"
        return None if is_thing else (named.column, (named.span,))
    if asking == "who":
        return _only(reading, PERSONS, besides)
    if asking == "when":
        return _only(reading, frozenset(("dat",)), besides) or _only(
            reading, frozenset(("year",)), besides
        )
    if asking == "where":
        places = ("location", "venue", "place", "city", "town", "site", "country")
        for place in places:
            if found := _only(reading, frozenset((stem(place),)), besides):
                return found
    return None


def _asks(words: Sequence[str], index: int) -> bool:
    """A question word, or “how” with a measure: “how much”, “how heavy”."""
    if words[index] == "how":
        return index + 1 < len(words) and words[index + 1] != "many"
    return words[index] in _ASKING


def _named_after(reading: Reading, start: int, end: int) -> ColumnMention | None:
    """“which team”, “what was the final score”; or the verb at the end: “what does it weigh”."""
    for one in reading.columns:
        is_near = start <= one.span.start and one.span.end <= min(end, start + 6)
        is_done = reading.words[one.span.start - 1] in _VERBS and one.span.start - start > 1
        if is_near and not is_done:
            return one
    at_end = reading.columns[-1] if reading.columns else None
    is_last = at_end is not None and at_end.span.end == end == len(reading.words)
    return at_end if is_last else None


def _only(
    reading: Reading, stems: frozenset[str], besides: Collection[int]
) -> tuple[ViewColumn, tuple[Span, ...]] | None:
    found = [
        column
        for column in reading.view.columns
        if stems & set(column.words) and column.index not in besides
    ]
    return (found[0], ()) if len(found) == 1 else None


def is_quantity(column: ViewColumn) -> bool:
    """Whether the column counts or measures something."""
    if not column.is_number or column.name in ("#", "№"):
        return False
    # “Lost days” is counted in days; a day alone tells rows apart.
    *described, last = column.words or ("",)
    labels = LABELS & set(described if described and unit_of(last) else column.words)
    return not labels


def is_time(column: ViewColumn) -> bool:
    """Whether the column says when: dates, or numbers that are all years."""
    if column.type == "date":
        return True
    found = column.statistics
    is_number = column.type == "integer" and "min" in found
    return is_number and found["min"] >= 1500 and found["max"] <= 2150


def key_column(reading: Reading, besides: Collection[int] = ()) -> ViewColumn | None:
    """The leftmost text column that tells all rows apart: what the rows are about."""
    return next(
        (
            column
            for column in reading.view.columns[:3]
            if column.type == "text"
            and column.is_unique
            and column.index not in besides
            and column.index not in reading.view.wordy
        ),
        None,
    )
