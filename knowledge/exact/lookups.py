"""Questions for one cell: the row is named by values, the column by the question."""

import re

from knowledge.exact.conditions import conditions_in, matching
from knowledge.exact.plans import Plan
from knowledge.exact.reading import Reading, Span
from knowledge.exact.targets import asked_column
from knowledge.exact.words import listed

UNREAD = 1
# Words that ask for more than one cell.
_OTHERWISE = frozenset(
    listed(
        "most least highest lowest more less first last next previous after before difference "
        "same between average total or besides except other both longest shortest"
    )
)


def lookup(reading: Reading) -> Plan | None:
    """“Where was the game on 5 May?”: exactly one row, and a column that is not its name."""
    if _OTHERWISE & set(reading.words) or re.search(r"how many|number of", reading.text):
        return None
    asked = asked_column(reading)
    if asked is None:
        return None
    column, spans = asked
    found = conditions_in(reading, without=spans)
    if found is None or not found.filters:
        return None
    if any(one.column == column.index for one in found.filters):
        return None
    only = [Span(i, i + 1) for i, word in enumerate(reading.words) if word == "only"]
    if len(reading.unread([*found.spans, *spans, *only])) > UNREAD:
        return None
    rows = matching(reading, found.filters)
    return Plan("lookup", (column.index,), found.filters) if len(rows) == 1 else None
