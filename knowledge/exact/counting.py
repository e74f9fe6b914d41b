"""Questions for a number of rows, a sum or an average; and for rows that share a value."""

import re
from dataclasses import replace

from knowledge.exact.conditions import Conditions, conditions_in, matching
from knowledge.exact.plans import Filter, Plan
from knowledge.exact.reading import ColumnMention, Reading, Span
from knowledge.exact.targets import asked_column, is_quantity
from knowledge.exact.words import FILLER, listed, stem

_HOW_MANY = re.compile(r"\b(?:how many|(?:total )?(?:number|amount) of)\b")
_DIFFERENT = frozenset(("different", "distinct", "unique", "separate", "various"))
_OTHERWISE = frozenset(listed("consecutive both neither either each every per combined"))
_SUM = re.compile(r"\b(?:total|sum|combined|altogether|in all|overall|all together)\b")
_AVERAGE = re.compile(r"\b(?:average|mean)\b")
# Words that no table explains, at most so many in a question that is still certain.
UNREAD = {"count": 0, "sum": 0, "lookup": 0, "same": 1}


def count(reading: Reading) -> Plan | None:
    """“How many drivers are from Italy?”; a named quantity is read off, not counted."""
    start = _after(reading, _HOW_MANY)
    if start is None or _AVERAGE.search(reading.text) or _OTHERWISE & set(reading.words):
        return None
    different = [i for i in range(start, len(reading.words)) if reading.words[i] in _DIFFERENT]
    named = _counted_column(reading, start, start + 3 + len(different))
    if _is_described(reading, start):
        return None
    found = _loosened(reading, conditions_in(reading))
    if found is None:
        return None
    if named and is_quantity(named.column):
        return _quantity(reading, named, found)
    thing = () if named else (Span(start, start + 1 + len(different)),)
    if named is None and not found.filters:
        return _all_rows(reading, start)
    spans = [*found.spans, *thing, *_spans_of(named), *(Span(i, i + 1) for i in different)]
    if len(reading.unread_alone([Span(start - 2, start), *spans])) > UNREAD["count"]:
        return None
    return _rows_or_values(reading, named, found, is_different=bool(different))


def _counted_column(reading: Reading, start: int, end: int) -> ColumnMention | None:
    """The column that is counted, unless what the rows are stands before it: “parts cost …”."""
    named = reading.column_at(start, end)
    if named is None:
        return None
    between = reading.words[start : named.span.start]
    return None if any(stem(word) in reading.view.title for word in between) else named


def _is_described(reading: Reading, start: int) -> bool:
    """“How many spare parts”, where only the parts are known here: which ones, nobody can tell."""
    word = reading.words[start] if start < len(reading.words) else ""
    if not word or word in FILLER | _DIFFERENT or stem(word) in reading.view.title:
        return False
    if any(start in span for span in reading.spans):
        return False
    return any(one.span.start == start + 1 and not one.is_whole for one in reading.values)


def _all_rows(reading: Reading, start: int) -> Plan | None:
    """“How many spare parts are there?”: all, when nothing but the rows' own name is said."""
    said = [word for word in reading.words[start:] if word not in FILLER]
    is_named = bool(said) and all(stem(word) in reading.view.name for word in said)
    return Plan("count", (), (), "count") if is_named else None


def _loosened(reading: Reading, found: Conditions | None) -> Conditions | None:
    """What is counted may stand among other words: “Hard” also counts “Hard (indoor)”."""
    if found is None:
        return None
    filters = list(found.filters)
    for mention in reading.values:
        words = reading.words[mention.span.start : mention.span.end]
        for place, one in enumerate(filters):
            if mention.columns.get(one.column) == frozenset(one.values):
                more = mention.columns[one.column] | reading.view.parts(words).get(
                    one.column, frozenset()
                )
                filters[place] = replace(one, values=tuple(sorted(more)))
    return Conditions(tuple(filters), found.spans)


def _rows_or_values(
    reading: Reading, named: ColumnMention | None, found: Conditions, *, is_different: bool
) -> Plan | None:
    """Rows, or different values of the named column: nothing when both may be meant."""
    if named and named.column.index in {one.column for one in found.filters}:
        named = None
    if named is None:
        return Plan("count", (), found.filters, "count") if found.filters else None
    values = Plan("count", (named.column.index,), found.filters, "count distinct")
    if is_different:
        return values
    rows = Plan("count", (), found.filters, "count")
    if not found.filters:
        return rows if named.column.is_unique else None
    numbers = set(matching(reading, found.filters))
    texts = [row.texts[named.column.index] for row in reading.view.rows if row.number in numbers]
    return rows if len(set(texts)) == len(texts) else None


def _quantity(reading: Reading, named: ColumnMention, found: Conditions) -> Plan | None:
    """One row's figure, or the sum when a total is asked for."""
    spans = [*found.spans, named.span]
    if len(reading.unread_alone(spans)) > UNREAD["lookup"]:
        return None
    column = named.column.index
    if any(one.column == column for one in found.filters):
        return None
    if found.filters and len(matching(reading, found.filters)) == 1:
        return Plan("lookup", (column,), found.filters)
    if _SUM.search(reading.text) and named.column.is_whole:
        return Plan("sum", (column,), found.filters, "sum")
    return None


def sum_or_average(reading: Reading) -> Plan | None:
    """“What is the average price of red parts?”"""
    average = _AVERAGE.search(reading.text)
    word = average or _SUM.search(reading.text)
    if word is None or (not average and _HOW_MANY.search(reading.text)):
        return None
    named = [one for one in reading.columns if is_quantity(one.column)]
    found = conditions_in(reading)
    if found is None or len(named) != 1 or not named[0].column.is_whole:
        return None
    if any(one.column == named[0].column.index for one in found.filters):
        return None
    others = [one.span for one in reading.columns]
    spans = [*found.spans, *others, _span_at(reading, word[0])]
    if len(reading.unread(spans)) > UNREAD["sum"]:
        return None
    index = named[0].column.index
    if average:
        return Plan("average", (index,), found.filters, "avg")
    return Plan("sum", (index,), found.filters, "sum")


def same(reading: Reading) -> Plan | None:
    """“Who has the same height as Anna?”"""
    match = re.search(r"\bsame\b(.*)\bas\b", reading.text)
    if match is None or len(reading.values) != 1 or reading.figures:
        return None
    place = reading.words.index("same")
    shared = reading.column_at(place, len(reading.words))
    (mention,) = reading.values
    if shared is None or len(mention.columns) != 1 or not mention.is_whole:
        return None
    ((column, shown),) = mention.columns.items()
    anchor = reading.view.rows_with(column, shown)
    if len(anchor) != 1 or shared.column.index == column:
        return None
    asked = asked_column(reading, until=place)
    if asked and asked[0].index not in (column, shared.column.index):
        return None
    spans = [mention.span, shared.span, Span(place, place + 1), *(asked[1] if asked else ())]
    if len(reading.unread(spans)) > UNREAD["same"]:
        return None
    text = anchor[0].texts[shared.column.index]
    filters = (
        Filter(shared.column.index, "=", (text,)),
        Filter(column, "!=", tuple(sorted(shown))),
    )
    return Plan("same", (column,), filters) if text else None


def _after(reading: Reading, pattern: re.Pattern[str]) -> int | None:
    """The word after the first match."""
    found = pattern.search(reading.text)
    return len(reading.text[: found.end()].split()) if found else None


def _span_at(reading: Reading, words: str) -> Span:
    start = len(reading.text[: reading.text.index(words)].split())
    return Span(start, start + len(words.split()))


def _spans_of(named: ColumnMention | None) -> tuple[Span, ...]:
    return (named.span,) if named else ()
