"""Writing events: gap-free, together with the act, and never again changed."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from phi3site.audit.models import AuditEvent
from phi3site.audit.recording import FIRST_HASH, record
from phi3site.audit.verifying import verify_chain


@pytest.mark.django_db
def test_event_tells_who_did_what_to_which_thing(alice, team):
    seq = record("group.joined", actor=alice, target=team, details={"since": 3})
    event = AuditEvent.objects.get(seq=seq)
    assert (event.actor, event.actor_name, event.action) == (alice, "alice", "group.joined")
    assert (event.target_type, event.target_id) == ("auth.group", str(team.pk))
    assert event.facts == {"since": 3}


@pytest.mark.django_db
def test_events_number_from_one_and_name_the_one_before():
    first, second = record("site.started"), record("site.stopped")
    events = {event.seq: event for event in AuditEvent.objects.all()}
    assert (first, second) == (1, 2)
    assert events[1].previous_hash == FIRST_HASH
    assert events[2].previous_hash == events[1].hash


@pytest.mark.django_db
def test_time_is_the_databases():
    record("site.started")
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now = cursor.fetchone()[0]
    assert timedelta(0) <= now - AuditEvent.objects.get().at < timedelta(seconds=30)


@pytest.mark.django_db
def test_name_stays_when_the_person_is_renamed_or_removed(alice):
    seq = record("user.signed_in", actor=alice)
    alice.username = "renamed"
    alice.save()
    alice.delete()
    assert AuditEvent.objects.get(seq=seq).actor_name == "alice"
    assert verify_chain().is_intact


@pytest.mark.django_db
def test_act_that_is_rolled_back_leaves_no_event():
    record("site.started")
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        record("document.uploaded")
        raise ZeroDivisionError
    assert record("site.stopped") == 2
    assert [event.action for event in AuditEvent.objects.all()] == ["site.stopped", "site.started"]


@pytest.mark.django_db(transaction=True)
def test_twenty_writers_at_once_leave_no_gap():
    def write(number):
        try:
            for step in range(10):
                with transaction.atomic():
                    record("load.written", details={"writer": number, "step": step})
                    if step % 3 == 2:
                        transaction.set_rollback(True)
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(write, range(20)))
    numbers = AuditEvent.objects.order_by("seq").values_list("seq", flat=True)
    assert list(numbers) == list(range(1, 20 * 7 + 1))
    assert verify_chain().events == 140


def refused(sql, *parameters):
    refusal = pytest.raises(DatabaseError, match=r"append-only|follow|not of now|permission denied")
    with refusal, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, parameters)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit_auditevent SET actor_name = 'x'",
        "DELETE FROM audit_auditevent",
        "TRUNCATE audit_auditevent",
        "TRUNCATE audit_auditevent CASCADE",
        "INSERT INTO audit_auditevent SELECT * FROM audit_auditevent"
        " ON CONFLICT (seq) DO UPDATE SET actor_name = 'x'",
        "SET LOCAL session_replication_role = replica; DELETE FROM audit_auditevent",
        "SET LOCAL session_replication_role = replica; TRUNCATE audit_auditevent",
    ],
)
def test_database_refuses_to_change_or_remove_an_event(sql):
    record("site.started")
    refused(sql)
    assert AuditEvent.objects.get().actor_name == ""


INSERT = """
INSERT INTO audit_auditevent
    (seq, at, actor_name, action, target_type, target_id, details, previous_hash, hash)
VALUES (%s, %s, '', 'forged.event', '', '', '{}', %s, %s)
"""


@pytest.mark.django_db
def test_database_refuses_an_event_that_does_not_follow():
    record("site.started")
    head = AuditEvent.objects.get().hash
    now = datetime.now(UTC)
    refused(INSERT, 3, now, head, "a" * 64)
    refused(INSERT, 2, now, "b" * 64, "a" * 64)
    refused(INSERT, 2, now - timedelta(days=1), head, "a" * 64)


@pytest.mark.django_db
def test_model_itself_neither_saves_nor_deletes():
    record("site.started")
    event = AuditEvent.objects.get()
    with pytest.raises(TypeError):
        event.save()
    with pytest.raises(TypeError):
        event.delete()
    for act in (lambda: AuditEvent.objects.update(action="x"), AuditEvent.objects.all().delete):
        with pytest.raises(DatabaseError), transaction.atomic():
            act()
    assert AuditEvent.objects.count() == 1
