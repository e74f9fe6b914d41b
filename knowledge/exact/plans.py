"""Typed query plans: what is asked of one table, before it is SQL. Knows no database.

A plan names columns by their position. `in_words` says it so that a reader can check it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from knowledge.blocks import Cell

Kind = Literal[
    "lookup", "count", "sum", "average", "extreme", "most", "neighbour", "difference", "compare",
    "first", "same", "top", "row",
]  # fmt: skip
Operator = Literal["=", "!=", ">", ">=", "<", "<=", "year"]
Aggregate = Literal["count", "count distinct", "sum", "avg", "min", "max"]


@dataclass(frozen=True)
class Filter:
    """Rows whose cell in this column compares so; "=" and "!=" take any of several values."""

    column: int
    operator: Operator
    values: tuple[Cell, ...]


@dataclass(frozen=True)
class Order:
    """By a column, or by the rows' own order when it is None."""

    column: int | None
    descending: bool = False


@dataclass(frozen=True)
class Neighbour:
    """Rows that lie so many places behind (or before) the one row that these filters name."""

    anchor: tuple[Filter, ...]
    step: int


@dataclass(frozen=True)
class Plan:
    """A question to one table."""

    kind: Kind
    select: tuple[int, ...] = ()
    filters: tuple[Filter, ...] = ()
    aggregate: Aggregate | None = None
    group: int | None = None
    order: Order | None = None
    limit: int | None = None
    neighbour: Neighbour | None = None
    # The other side of a difference: the same question with these filters instead.
    minus: tuple[Filter, ...] = ()

    def other_side(self) -> "Plan":
        """What is subtracted."""
        return replace(self, filters=self.minus, minus=())


_SAYS = {
    "=": "is", "!=": "is not", ">": "is more than", ">=": "is at least", "<": "is less than",
    "<=": "is at most", "year": "is in",
}  # fmt: skip
_AGGREGATES = {
    "sum": "the sum of", "avg": "the average of", "min": "the smallest", "max": "the largest",
}  # fmt: skip


def in_words(plan: Plan, columns: Sequence[str]) -> str:
    """The plan as a sentence without its end: “number of rows where Team is “Red””."""
    target = " and ".join(columns[index] for index in plan.select)
    if plan.group is not None:
        target = f"{columns[plan.group]} that stands in the most rows"
    elif plan.aggregate == "count":
        target = "number of rows"
    elif plan.aggregate == "count distinct":
        target = f"number of different values of {target}"
    elif plan.aggregate:
        target = f"{_AGGREGATES[plan.aggregate]} {target}"
    where = _where(plan.filters, columns)
    if plan.neighbour:
        side = "after" if plan.neighbour.step > 0 else "before"
        where += f", in the row {side} the one{_where(plan.neighbour.anchor, columns)}"
    if plan.minus:
        where += f", minus the same{_where(plan.minus, columns)}"
    return f"{target}{where}{_order(plan, columns)}"


def _where(filters: Sequence[Filter], columns: Sequence[str]) -> str:
    said = [f"{columns[one.column]} {_SAYS[one.operator]} {_either(one.values)}" for one in filters]
    return f" where {' and '.join(said)}" if said else ""


def _either(values: Sequence[Cell]) -> str:
    shown = [f"“{value}”" if isinstance(value, str) else str(value) for value in values[:4]]
    more = f" (or {len(values) - 4} more)" if len(values) > 4 else ""
    return " or ".join(shown) + more


def _order(plan: Plan, columns: Sequence[str]) -> str:
    if plan.order is None or plan.group is not None:
        return ""
    which = "last" if plan.order.descending else "first"
    if plan.order.column is None:
        return f", in the {which} such row"
    extreme = "largest" if plan.order.descending else "smallest"
    name = columns[plan.order.column]
    many = f"{plan.limit} rows" if plan.limit and plan.limit > 1 else "row"
    return f", in the {many} with the {extreme} {name}"
