"""A plan runs on one table's view: restricted, read-only, bounded, leaving nothing."""

import psycopg
import pytest
from django.db import connection, transaction

from knowledge.exact import role, running
from knowledge.exact.plans import Filter, Plan
from knowledge.exact.running import PlanNotRun, run
from knowledge.exact.statements import names_of
from knowledge.exact.views import view_of

pytestmark = pytest.mark.django_db

COUNT = Plan("count", (), (Filter(2, "=", ("Italy",)),), "count")


@pytest.fixture
def view(table):
    return view_of(table(), "")


@pytest.fixture
def inside(view, monkeypatch):
    """Runs SQL where a plan would run; its rows."""

    def inside(statement):
        names = names_of(view.table.name, view.columns)
        with transaction.atomic(), connection.cursor() as cursor:
            running._prepare(cursor, view, names)
            cursor.execute(statement)
            found = cursor.fetchall()
            transaction.set_rollback(True)
            return found

    return inside


def test_the_answer_comes_with_its_rows_and_sql(view):
    found = run(COUNT, view)
    assert (found.values, found.rows) == (((3,),), (1, 3, 5))
    assert found.sql.startswith("SELECT count(*) FROM")


def test_there_is_the_role_and_it_may_be_taken_on():
    assert role.has_role()


def test_the_role_reads_this_table_without_its_totals(inside):
    assert inside('SELECT "Pump", "Weight (kg)" FROM pumps ORDER BY "Price (€)" LIMIT 1') == [
        ("Ibis", 60)
    ]
    assert inside("SELECT count(*) FROM pumps") == [(5,)]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM knowledge_tablerow",
        "SELECT * FROM auth_user",
        "SELECT * FROM knowledge_table",
        "SELECT pg_read_file('/etc/passwd')",
    ],
)
def test_the_role_reads_nothing_else(inside, statement):
    with pytest.raises(Exception, match="permission denied"):
        inside(statement)


def test_nothing_can_be_written(inside):
    with pytest.raises(Exception, match="read-only transaction"):
        inside("CREATE TABLE mine (id int)")


@pytest.fixture
def running_instead(monkeypatch):
    """Puts another statement in the place of the plan's."""

    def running_instead(text):
        statement = running.Statement(psycopg.sql.SQL(text).format(), ())
        monkeypatch.setattr(running, "answer_statement", lambda plan, names: statement)

    return running_instead


def test_a_statement_has_little_time_no_rights_and_may_only_read(view, running_instead):
    running_instead(
        "SELECT current_setting('statement_timeout'), current_user, "
        "current_setting('transaction_read_only')"
    )
    assert run(COUNT, view).values == (("3s", role.ROLE, "on"),)


def test_a_statement_that_breaks_is_told_and_leaves_the_transaction_usable(view, running_instead):
    running_instead("SELECT 1 / 0")
    with pytest.raises(PlanNotRun, match="division"):
        run(COUNT, view)
    assert view.table.rows.count() == 6


def test_nothing_is_left_behind(view):
    run(COUNT, view)
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user <> %s, to_regclass('pg_temp.pumps')", [role.ROLE])
        assert cursor.fetchone() == (True, None)
        cursor.execute("SHOW transaction_read_only")
        assert cursor.fetchone() == ("off",)
    assert run(COUNT, view).values == ((3,),)


def test_without_the_role_the_plan_still_runs_for_reading_only(view, monkeypatch, inside):
    monkeypatch.setattr(running, "has_role", lambda: False)
    assert run(COUNT, view).values == ((3,),)
    with pytest.raises(Exception, match="read-only transaction"):
        inside("DELETE FROM knowledge_tablerow")


def test_a_user_who_may_not_create_roles_is_left_in_peace(db, monkeypatch):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {role.ROLE}")
        monkeypatch.setattr(role, "ROLE", "phi3_other_reader")
        role.ensure_role()
        assert not role.has_role()
        transaction.set_rollback(True)


def test_a_table_that_is_gone_has_no_rows(view):
    view.table.rows.all().delete()
    assert run(COUNT, view).values == ((0,),)
