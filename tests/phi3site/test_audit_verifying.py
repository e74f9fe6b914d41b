"""Whatever the database's owner does to the log, the walk names the first event it hits."""

from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection

from phi3site.audit.anchoring import Anchor, read_anchor
from phi3site.audit.recording import event_hash, record
from phi3site.audit.verifying import COLUMNS, Fault, verify, verify_chain

pytestmark = pytest.mark.django_db
TABLE = "audit_auditevent"


@pytest.fixture(autouse=True)
def no_other_verifiers(settings):
    settings.AUDIT_VERIFIERS = []


@pytest.fixture
def log(db):
    writer = User.objects.create_user("writer")
    for number in range(1, 11):
        record("thing.changed", actor=writer, target=writer, details={"number": number})


def as_owner(*statements):
    """What only the owner of the table can do: switch the triggers off first."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {TABLE} DISABLE TRIGGER USER")
        for statement in statements:
            cursor.execute(statement)


def test_untouched_log_is_intact(log):
    found = verify_chain()
    assert found.is_intact
    assert found.events == 10


def test_empty_log_is_intact():
    assert verify_chain().events == 0
    assert verify_chain().is_intact


EDITS = {
    "at": "at + interval '1 microsecond'",
    "actor_id": "NULL",
    "actor_name": "'mallory'",
    "action": "action || ' '",
    "target_type": "'auth.group'",
    "target_id": "'999'",
    "details": "'{}'",
    "previous_hash": "repeat('f', 64)",
    "hash": "repeat('f', 64)",
}


@pytest.mark.parametrize("column", EDITS)
@pytest.mark.parametrize("seq", [1, 6, 10])
def test_edit_of_any_column_is_found(log, column, seq):
    as_owner(f"UPDATE {TABLE} SET {column} = {EDITS[column]} WHERE seq = {seq}")
    found = verify_chain()
    assert found.bad_seq == seq
    assert found.events == seq - 1


def test_each_column_is_edited_by_some_test():
    assert {*EDITS, "seq"} == set(COLUMNS)


@pytest.mark.parametrize("seq", [1, 4, 9])
def test_removed_event_is_found(log, seq):
    as_owner(f"DELETE FROM {TABLE} WHERE seq = {seq}")
    found = verify_chain()
    assert found.bad_seq == seq
    assert "missing" in found.reason


def test_removed_event_is_found_though_the_rest_was_renumbered(log):
    as_owner(
        f"DELETE FROM {TABLE} WHERE seq = 4",
        f"UPDATE {TABLE} SET seq = -seq WHERE seq > 4",
        f"UPDATE {TABLE} SET seq = -seq - 1 WHERE seq < 0",
    )
    assert verify_chain().bad_seq == 4


def slip_in(seq, previous):
    """A copy of event 5 under another number."""
    columns = "at, actor_id, actor_name, action, target_type, target_id, details"
    as_owner(
        f"INSERT INTO {TABLE} (seq, {columns}, previous_hash, hash)"
        f" SELECT {seq}, {columns}, '{previous}', repeat('e', 64) FROM {TABLE} WHERE seq = 5"
    )


@pytest.mark.parametrize("seq", [0, -3])
def test_event_slipped_in_before_the_first_is_found(log, seq):
    slip_in(seq, "0" * 64)
    assert not verify_chain().is_intact
    assert verify_chain().bad_seq == 1


def test_event_appended_by_hand_is_found(log):
    slip_in(11, verify_chain().head)
    assert verify_chain().bad_seq == 11


def test_two_events_that_changed_places_are_found(log):
    as_owner(
        f"UPDATE {TABLE} SET seq = -3 WHERE seq = 3",
        f"UPDATE {TABLE} SET seq = 3 WHERE seq = 7",
        f"UPDATE {TABLE} SET seq = 7 WHERE seq = -3",
    )
    assert verify_chain().bad_seq == 3


def test_edit_with_its_own_hash_made_fit_is_found_at_the_next_event(log):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(COLUMNS)} FROM {TABLE} WHERE seq = 5")
        seq, at, actor, _name, *rest, previous, _hash = cursor.fetchone()
    forged = event_hash(seq, at, actor, "mallory", *rest, previous)
    as_owner(f"UPDATE {TABLE} SET actor_name = 'mallory', hash = '{forged}' WHERE seq = 5")
    found = verify_chain()
    assert found.bad_seq == 6
    assert "follow" in found.reason


def test_cut_end_is_found_with_an_anchor_only(log):
    anchor = Anchor(10, verify_chain().head)
    as_owner(f"DELETE FROM {TABLE} WHERE seq > 7")
    assert verify_chain().is_intact
    found = verify_chain(anchor=anchor)
    assert found.bad_seq == 8
    assert "cut off" in found.reason


def test_rewritten_log_is_found_with_an_anchor(log):
    anchor = Anchor(6, "c" * 64)
    found = verify_chain(anchor=anchor)
    assert found.bad_seq == 6
    assert "anchor" in found.reason


def test_each_verification_that_holds_moves_the_anchor(log):
    verify()
    assert read_anchor().seq == 10
    record("site.stopped")
    verify()
    assert read_anchor().seq == 11
    as_owner(f"DELETE FROM {TABLE} WHERE seq = 11")
    assert verify().chain.bad_seq == 11
    assert read_anchor().seq == 11


def broken_receipt():
    yield Fault("Answer 7", "its receipt was changed")


def test_what_rests_on_the_log_is_verified_too(log, settings):
    settings.AUDIT_VERIFIERS = [f"{__name__}.broken_receipt"]
    report = verify()
    assert report.chain.is_intact
    assert not report.is_intact


class TestCommand:
    def run(self, *arguments):
        out, err = StringIO(), StringIO()
        try:
            call_command("verify_audit", *arguments, stdout=out, stderr=err)
        except SystemExit as end:
            return end.code, out.getvalue(), err.getvalue()
        return 0, out.getvalue(), err.getvalue()

    def test_intact_log_leaves_with_zero_and_prints_the_anchor(self, log):
        code, out, _ = self.run()
        assert code == 0
        assert f"10 events intact. Anchor: 10:{verify_chain().head}" in out

    def test_damaged_log_leaves_with_one_and_names_the_event(self, log):
        as_owner(f"UPDATE {TABLE} SET action = 'x' WHERE seq = 4")
        code, _, err = self.run()
        assert code == 1
        assert "Event 4 was changed" in err

    def test_cut_end_is_found_with_a_printed_anchor(self, log):
        head = verify_chain().head
        as_owner(f"DELETE FROM {TABLE} WHERE seq > 9")
        assert self.run("--anchor", f"10:{head}")[0] == 1

    def test_broken_receipt_leaves_with_one(self, log, settings):
        settings.AUDIT_VERIFIERS = [f"{__name__}.broken_receipt"]
        code, _, err = self.run()
        assert code == 1
        assert "Answer 7: its receipt was changed" in err

    def test_anchor_that_can_not_be_read_is_explained(self):
        with pytest.raises(CommandError, match="NUMBER:HASH"):
            self.run("--anchor", "ten")
