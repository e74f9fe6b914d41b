"""A plan is run: on a view of the one table, by a role that can read nothing else, only reading.

The view and the right to it live and die with the transaction, so no table needs a role of its own.
Where the database's user may not create the role, the read-only transaction and a statement that is
built from the plan alone remain.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import DatabaseError, connection, transaction
from psycopg import sql

from knowledge.exact.plans import Plan
from knowledge.exact.role import ROLE, has_role
from knowledge.exact.statements import (
    Names,
    Statement,
    answer_statement,
    names_of,
    rows_statement,
    view_statement,
)
from knowledge.exact.views import TableView

TIMEOUT_MS = 3_000
# Rows that stand beside an answer, and answers that are still one.
EVIDENCE_ROWS = 20
MOST_VALUES = 50


@dataclass(frozen=True)
class Outcome:
    """What the database said, and what it was asked."""

    values: tuple[tuple[Any, ...], ...]
    # Numbers of the rows that it rests on, not more than EVIDENCE_ROWS.
    rows: tuple[int, ...]
    sql: str


class PlanNotRun(Exception):
    """The database refused, or took too long."""


def run(plan: Plan, view: TableView) -> Outcome:
    """The plan's answer. Raises PlanNotRun; leaves nothing behind."""
    names = names_of(view.table.name, view.columns)
    asked = answer_statement(plan, names)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            _prepare(cursor, view, names)
            found = _fetch(cursor, asked, MOST_VALUES)
            sides = [plan, plan.other_side()] if plan.minus else [plan]
            rows = [
                number
                for side in sides
                for (number,) in _fetch(
                    cursor, rows_statement(side, names, EVIDENCE_ROWS), EVIDENCE_ROWS
                )
            ]
            text = shown_sql(asked)
            # Nothing stays: neither the view nor the right to read it.
            transaction.set_rollback(True)
    except (DatabaseError, psycopg.Error) as error:
        raise PlanNotRun(str(error)) from error
    return Outcome(tuple(found), tuple(dict.fromkeys(rows))[:EVIDENCE_ROWS], text)


def _prepare(cursor: Any, view: TableView, names: Names) -> None:
    """From here on the transaction can read the view, and nothing else."""
    cursor.execute(view_statement(names, view.columns, str(view.table.pk)).as_string())
    is_restricted = has_role()
    if is_restricted:
        grant = sql.SQL("GRANT SELECT ON {} TO {}").format(names.view, sql.Identifier(ROLE))
        cursor.execute(grant.as_string())
    cursor.execute(f"SET LOCAL statement_timeout = {TIMEOUT_MS}")
    cursor.execute("SET TRANSACTION READ ONLY")
    if is_restricted:
        cursor.execute(f"SET LOCAL ROLE {ROLE}")


def _fetch(cursor: Any, statement: Statement, limit: int) -> Sequence[tuple[Any, ...]]:
    cursor.execute(statement.text.as_string(), list(statement.values))
    return list(cursor.fetchmany(limit))


def shown_sql(statement: Statement) -> str:
    """The statement with its values filled in, for people to read and repeat."""
    plain = psycopg.ClientCursor(connection.connection)
    return plain.mogrify(statement.text.as_string(), list(statement.values))
