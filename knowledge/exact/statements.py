"""A plan → one SQL statement over the table's own view. Values are parameters, always; names are
composed by psycopg. Knows no rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from knowledge.blocks import Cell
from knowledge.exact.plans import Filter, Order, Plan
from knowledge.exact.views import ViewColumn
from knowledge.tables.values import PLACEHOLDERS

ROW = "row"
# A name in Postgres has at most 63 bytes.
NAME_BYTES = 50
_OPERATORS = {">": ">", ">=": ">=", "<": "<", "<=": "<="}
_CASTS = {"integer": "numeric", "decimal": "numeric", "date": "date", "boolean": "boolean"}


@dataclass(frozen=True)
class Statement:
    """SQL and the values for its placeholders."""

    text: sql.Composed
    values: tuple[Cell | list[Cell], ...] = ()


@dataclass(frozen=True)
class Names:
    """How the view calls the table, its columns as shown, and their values."""

    view: sql.Identifier
    shown: tuple[sql.Identifier, ...]
    values: tuple[sql.Identifier, ...]


def names_of(table: str, columns: Sequence[ViewColumn]) -> Names:
    """Names that Postgres takes, each only once."""
    used = {ROW}
    values, shown = [], []
    for column in columns:
        value = _once(column.name, used)
        values.append(sql.Identifier(value))
        has_value = column.type != "text"
        shown.append(sql.Identifier(_once(f"{value} as shown", used)) if has_value else values[-1])
    return Names(sql.Identifier(_cut(table) or "table"), tuple(shown), tuple(values))


def view_statement(names: Names, columns: Sequence[ViewColumn], table_id: str) -> sql.Composed:
    """Makes the view: this table's rows, totals left out, typed by name."""
    parts: list[sql.Composable] = [sql.SQL("number AS {}").format(sql.Identifier(ROW))]
    for column in columns:
        text = sql.SQL("texts->>{}").format(sql.Literal(column.index))
        parts.append(sql.SQL("{} AS {}").format(text, names.shown[column.index]))
        if column.type != "text":
            value = sql.SQL("(cells->>{})::{} AS {}").format(
                sql.Literal(column.index),
                sql.SQL(_CASTS[column.type]),
                names.values[column.index],
            )
            parts.append(value)
    return sql.SQL(
        "CREATE TEMPORARY VIEW {} WITH (security_barrier) AS SELECT {} "
        "FROM knowledge_tablerow WHERE table_id = {}::uuid AND NOT is_total"
    ).format(names.view, sql.SQL(", ").join(parts), sql.Literal(table_id))


def answer_statement(plan: Plan, names: Names) -> Statement:
    """What the plan asks for."""
    if plan.minus:
        left, right = (
            answer_statement_of(plan, names),
            answer_statement_of(plan.other_side(), names),
        )
        text = sql.SQL("SELECT ({}) - ({})").format(left.text, right.text)
        return Statement(text, (*left.values, *right.values))
    return answer_statement_of(plan, names)


def answer_statement_of(plan: Plan, names: Names) -> Statement:
    """One side of a difference, or the whole of any other plan."""
    where, values = _where(plan, names)
    if plan.group is not None:
        column = names.shown[plan.group]
        order = sql.SQL("ORDER BY count(*) {} FETCH FIRST 1 ROWS WITH TIES").format(
            _direction(plan.order)
        )
        text = sql.SQL("SELECT {} FROM {}{} GROUP BY 1 {}").format(column, names.view, where, order)
        return Statement(text, values)
    if plan.aggregate:
        text = sql.SQL("SELECT {} FROM {}{}").format(_aggregate(plan, names), names.view, where)
        return Statement(text, values)
    use_values = bool(plan.minus) or plan.kind == "difference"
    chosen = names.values if use_values else names.shown
    targets = sql.SQL(", ").join(chosen[index] for index in plan.select)
    text = sql.SQL("SELECT {} FROM {}{}{}").format(targets, names.view, where, _end(plan, names))
    return Statement(text, values)


def rows_statement(plan: Plan, names: Names, limit: int) -> Statement:
    """The numbers of the rows that the answer rests on."""
    where, values = _where(plan, names)
    end = _end(plan, names) if plan.aggregate is None and plan.group is None else sql.SQL("")
    if not end.as_string():
        end = sql.SQL(" ORDER BY {} LIMIT {}").format(sql.Identifier(ROW), sql.Literal(limit))
    row = sql.Identifier(ROW)
    return Statement(sql.SQL("SELECT {} FROM {}{}{}").format(row, names.view, where, end), values)


def _aggregate(plan: Plan, names: Names) -> sql.Composable:
    if plan.aggregate == "count":
        return sql.SQL("count(*)")
    if plan.aggregate == "count distinct":
        return sql.SQL("count(DISTINCT {})").format(names.shown[plan.select[0]])
    return sql.SQL("{}({})").format(sql.SQL(plan.aggregate or ""), names.values[plan.select[0]])


def _where(plan: Plan, names: Names) -> tuple[sql.Composable, tuple[Cell | list[Cell], ...]]:
    parts, values = _conditions(plan.filters, names)
    if plan.group is not None:
        parts.append(sql.SQL("lower({}) <> ALL(%s)").format(names.shown[plan.group]))
        values.append(list[Cell](sorted(PLACEHOLDERS)))
    if plan.kind in ("extreme", "top", "compare") and plan.order and plan.order.column is not None:
        parts.append(sql.SQL("{} IS NOT NULL").format(names.values[plan.order.column]))
    if plan.neighbour:
        anchor, anchor_values = _conditions(plan.neighbour.anchor, names)
        parts.append(
            sql.SQL("{} = (SELECT {} FROM {} WHERE {}) + {}").format(
                sql.Identifier(ROW),
                sql.Identifier(ROW),
                names.view,
                sql.SQL(" AND ").join(anchor),
                sql.Literal(plan.neighbour.step),
            )
        )
        values += anchor_values
    where = sql.SQL(" WHERE ") + sql.SQL(" AND ").join(parts) if parts else sql.SQL("")
    return where, tuple(values)


def _conditions(
    filters: Sequence[Filter], names: Names
) -> tuple[list[sql.Composable], list[Cell | list[Cell]]]:
    parts: list[sql.Composable] = []
    values: list[Cell | list[Cell]] = []
    for one in filters:
        value, shown = names.values[one.column], names.shown[one.column]
        is_text = all(isinstance(item, str) for item in one.values)
        if one.operator == "year":
            parts.append(sql.SQL("extract(year FROM {}) = %s").format(value))
            values.append(one.values[0])
        elif one.operator in _OPERATORS:
            parts.append(sql.SQL("{} " + _OPERATORS[one.operator] + " %s").format(value))
            values.append(one.values[0])
        else:
            test = "{} = ANY(%s)" if one.operator == "=" else "{} <> ALL(%s)"
            parts.append(sql.SQL(test).format(shown if is_text else value))
            values.append(list(one.values))
    return parts, values


def _end(plan: Plan, names: Names) -> sql.Composable:
    """Order and limit; a tie at the end is not cut."""
    if plan.order is None:
        return sql.SQL("")
    by = sql.Identifier(ROW) if plan.order.column is None else names.values[plan.order.column]
    return sql.SQL(" ORDER BY {} {} FETCH FIRST {} ROWS WITH TIES").format(
        by, _direction(plan.order), sql.Literal(plan.limit or 1)
    )


def _direction(order: Order | None) -> sql.SQL:
    return sql.SQL("DESC" if order is None or order.descending else "ASC")


def _once(name: str, used: set[str]) -> str:
    """The name, cut to what Postgres takes, with a number when it is taken."""
    plain = _cut(name) or "column"
    free, again = plain, 2
    while free in used:
        free, again = f"{plain} {again}", again + 1
    used.add(free)
    return free


def _cut(name: str) -> str:
    # A percent sign would be taken for a placeholder.
    cut = " ".join(name.replace("%", " percent ").split()).encode()[:NAME_BYTES]
    return cut.decode(errors="ignore").strip()
