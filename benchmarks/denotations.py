"""Whether two lists of answers say the same: numbers as numbers, dates as dates, texts by words."""

from collections.abc import Sequence

from knowledge.rows import normalised
from knowledge.tables.values import date_of, number_of

TOLERANCE = 1e-6


def is_same(given: Sequence[str], expected: Sequence[str]) -> bool:
    """As many answers, each of them expected, each expected one given."""
    if len(given) != len(expected):
        return False
    return all(any(_alike(one, other) for other in expected) for one in given) and all(
        any(_alike(one, other) for one in given) for other in expected
    )


def _alike(left: str, right: str) -> bool:
    if normalised(left) == normalised(right):
        return True
    numbers = number_of(left.strip()), number_of(right.strip())
    if numbers[0] and numbers[1]:
        a, b = float(numbers[0].value), float(numbers[1].value)
        return abs(a - b) <= TOLERANCE * max(1.0, abs(a), abs(b))
    dates = date_of(left.strip()), date_of(right.strip())
    return dates[0] is not None and dates[0] == dates[1]
