"""The auditor searches the log and verifies it; nobody else comes near."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.urls import reverse

from phi3site.audit.models import AuditEvent
from phi3site.audit.recording import record

pytestmark = pytest.mark.django_db
LOG, VERIFY = "/trace/log/", "/trace/verify/"


@pytest.fixture
def reader(client, auditor, settings):
    settings.AUDIT_VERIFIERS = []
    client.force_login(auditor)
    return client


def test_pages_are_where_the_navigation_looks_for_them():
    assert (reverse("audit:log"), reverse("audit:verify")) == (LOG, VERIFY)


def test_log_shows_the_newest_event_first(reader, alice):
    record("document.uploaded", actor=alice, target=alice, details={"title": "Pump manual"})
    record("document.removed", actor=alice)
    page = reader.get(LOG).content.decode()
    assert page.index(">document.removed<") < page.index(">document.uploaded<")
    assert "Pump manual" in page


def test_acts_are_told_in_plain_words_with_their_names_beside(reader, alice):
    record("user.sign_in_held_back", actor=alice, target=alice)
    record("thing.turned_around", details={"times_turned": 3})
    page = reader.get(LOG).content.decode()
    for words in ("Sign-in held back after too many attempts", "Thing turned around"):
        assert words in page
    assert '<option value="thing.turned_around">Thing turned around</option>' in page
    assert ">thing.turned_around</div>" in page
    assert "<dt>times turned</dt>" in page
    assert '<span class="muted">person</span>' in page


def test_moment_is_exact_for_machines_and_readable_for_people(reader):
    record("site.started")
    at = AuditEvent.objects.first().at
    page = reader.get(LOG).content.decode()
    assert f'datetime="{at:%Y-%m-%dT%H:%M:%S}' in page
    assert f"{at.day} {at:%b %Y, %H:%M:%S} UTC</time>" in page


def test_hash_among_the_details_is_short_and_can_be_copied(reader):
    record("thing.changed", details={"file": "ab" * 32, "note": "abababab"})
    page = reader.get(LOG).content.decode()
    assert f'data-copy="{"ab" * 32}"' in page
    assert f"<dd>{'ab' * 32}</dd>" not in page
    assert "<dd>abababab</dd>" in page


def shown(reader, **query):
    page = reader.get(LOG, query, headers={"HX-Request": "true", "HX-Target": "events"})
    assert "audit/_events.html" in [template.name for template in page.templates]
    assert "audit/log.html" not in [template.name for template in page.templates]
    return [event.action for event in page.context["page"]]


def test_filters_narrow_by_person_act_thing_and_time(reader, alice, bob):
    record("document.uploaded", actor=alice, target=alice)
    record("answer.completed", actor=bob, target=bob)
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    assert shown(reader, person="ali") == ["document.uploaded"]
    assert shown(reader, action="answer.completed") == ["answer.completed"]
    assert shown(reader, target=str(alice.pk), person="alice") == ["document.uploaded"]
    assert shown(reader, since=tomorrow.isoformat()) == []
    assert "answer.completed" in shown(reader, until=tomorrow.isoformat())
    assert shown(reader, until=(tomorrow - timedelta(days=2)).isoformat()) == []


def test_filter_that_can_not_be_read_says_so(reader):
    page = reader.get(LOG, {"since": "yesterday"})
    assert page.status_code == 200
    assert "Enter a valid date" in page.content.decode()


def test_long_log_is_paged(reader):
    for number in range(60):
        record("thing.changed", details={"number": number})
    first = reader.get(LOG).context["page"]
    second = reader.get(LOG, {"page": 2}).context["page"]
    assert len(first) == 50
    assert not {e.seq for e in first} & {e.seq for e in second}
    assert reader.get(LOG, {"page": 10**9}).status_code == 200


def test_log_shows_hidden_characters_and_no_markup(reader):
    record("user.sign_in_refused", details={"username": "<b>ad\u200bmin</b>"})
    page = reader.get(LOG).content.decode()
    assert "&lt;b&gt;ad" in page
    assert "U+200B" in page


def test_verify_names_the_number_of_events(reader):
    record("site.started")
    count = AuditEvent.objects.count()
    page = reader.post(VERIFY, headers={"HX-Request": "true", "HX-Target": "report"})
    assert f"{count} events intact" in page.content.decode()
    assert "audit/report.html" not in [template.name for template in page.templates]
    assert "audit/report.html" in [template.name for template in reader.post(VERIFY).templates]


def test_verify_names_the_first_bad_event(reader):
    record("site.started")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_auditevent DISABLE TRIGGER USER")
        cursor.execute("UPDATE audit_auditevent SET action = 'x' WHERE action = 'site.started'")
    bad = AuditEvent.objects.get(action="x").seq
    page = reader.post(VERIFY).content.decode()
    assert f"Event {bad}</strong> was changed" in page


def test_that_somebody_verified_is_an_event_that_the_open_log_fetches(reader, auditor):
    assert reader.post(VERIFY).headers["HX-Trigger"] == "log-grew"
    assert "log-grew from:body" in reader.get(LOG).content.decode()
    event = AuditEvent.objects.first()
    assert (event.action, event.actor) == ("audit.verified", auditor)
    assert event.facts["intact"] is True


def test_looking_at_the_address_of_verify_leads_to_the_log(reader):
    assert reader.get(VERIFY).url == LOG


@pytest.mark.parametrize("name", ["alice", "curator", "admin"])
@pytest.mark.parametrize("path", [LOG, VERIFY])
def test_nobody_but_auditors_sees_the_log(client, request, name, path):
    client.force_login(request.getfixturevalue(name))
    assert client.get(path).status_code == 403
    assert client.post(path).status_code == 403
