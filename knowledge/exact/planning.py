"""A question → the one plan that accounts for its words, or none: a wrong answer is worse.

Each kind of question has its reader; the first that is certain decides. Knows no database.
"""

from collections.abc import Callable

from knowledge.exact import comparing, counting, extremes, lookups, places
from knowledge.exact.plans import Plan
from knowledge.exact.reading import Reading

Reader = Callable[[Reading], Plan | None]
READERS: tuple[Reader, ...] = (
    comparing.difference,
    comparing.compare,
    places.neighbour,
    counting.same,
    extremes.extreme,
    counting.sum_or_average,
    counting.count,
    places.first_or_last,
    lookups.lookup,
)


def plan_for(reading: Reading) -> Plan | None:
    """The plan that the question means in this table, when that is certain."""
    for reader in READERS:
        plan = reader(reading)
        if plan is not None:
            return plan
    return None
