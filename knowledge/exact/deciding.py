"""Whether what the database said answers the question: one answer, not none and not many."""

from knowledge.exact.plans import Plan
from knowledge.exact.running import Outcome

FEWEST = 2


def is_certain(plan: Plan, outcome: Outcome, *, is_clear: bool = False) -> bool:
    """False for no row, an empty cell, a count of nothing, and a tie where one was asked for.

    `is_clear` says that no word of the question is left unexplained.
    """
    values = [value for row in outcome.values for value in row]
    if not values or any(value is None or value == "" for value in values):
        return False
    # Hardly anybody asks how many there are of one: most mean something inside that row.
    if plan.aggregate in ("count", "count distinct") and values[0] < (1 if is_clear else FEWEST):
        return False
    if plan.kind in ("same", "top", "row"):
        return True
    return len(outcome.values) == 1
