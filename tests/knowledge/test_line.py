from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from redis.exceptions import ConnectionError

from knowledge import line
from knowledge.errors import StateConflict
from knowledge.models import DocumentVersion
from knowledge.models.versions import DEAD_AFTER
from knowledge.reconciling import reconcile
from knowledge.turns import take_turn
from knowledge.versions import in_line
from phi3site.audit.models import AuditEvent
from phi3site.jobs import INGESTION, get_worker
from phi3site.valkey import client as client_of_valkey

pytestmark = pytest.mark.django_db
LARGE = 40 * 1024**2


def set_row(version, **values):
    DocumentVersion.objects.filter(pk=version.pk).update(**values)
    version.refresh_from_db()


@pytest.fixture
def several(upload):
    """That many small versions, in the order of their coming."""

    def several(count, **values):
        versions = [upload(f"Words about thing {n}.", f"thing-{n}.txt") for n in range(count)]
        for version in versions:
            set_row(version, **values)
        return versions

    return several


@pytest.fixture
def queued(monkeypatch):
    queued = []
    monkeypatch.setattr("knowledge.reconciling.enqueue_ingestion", queued.append)
    return queued


class TestOrder:
    def test_first_come_first_served_among_equals(self, several):
        versions = several(3)
        assert list(line.waiting()) == versions
        assert [line.position(version) for version in versions] == [1, 2, 3]

    def test_small_ones_pass_a_large_one_but_not_for_ever(self, several):
        large, small = several(2)
        set_row(large, **in_line(LARGE))
        assert list(line.waiting()) == [small, large]
        set_row(small, turn_at=timezone.now() + timedelta(days=1))
        assert list(line.waiting()) == [large, small]

    def test_what_a_person_puts_first_is_next(self, several, curator):
        first, second = several(2)
        line.put_first(second, actor=curator)
        assert list(line.waiting()) == [second, first]
        assert AuditEvent.objects.filter(action="document.put_first").exists()
        set_row(first, status="ready")
        with pytest.raises(StateConflict):
            line.put_first(first, actor=curator)

    def test_what_a_dead_worker_left_waits_and_is_shown_so(self, several):
        dead, living, never = several(3)
        set_row(dead, status="embedding", heartbeat_at=timezone.now() - 2 * DEAD_AFTER)
        set_row(living, status="embedding", heartbeat_at=timezone.now())
        assert list(line.waiting()) == [dead, never]
        assert [v.shown_status for v in (dead, living, never)] == ["queued", "embedding", "queued"]
        assert line.position(living) == 0

    def test_the_reconciler_writes_it_down(self, several, queued):
        (dead,) = several(1, status="embedding", queued_at=timezone.now() - DEAD_AFTER)
        reconcile()
        dead.refresh_from_db()
        assert dead.status == "queued" and queued == [dead]


class TestGroups:
    def test_small_ones_are_read_together_and_a_large_one_alone(self, several):
        versions = several(3)
        set_row(versions[1], size=LARGE)
        assert line.next_ids() == [str(versions[0].pk), str(versions[2].pk)]
        set_row(versions[1], priority=1)
        assert line.next_ids() == [str(versions[1].pk)]
        assert line.next_ids(only_small=True) == [str(versions[0].pk), str(versions[2].pk)]

    def test_what_crashed_before_is_read_alone(self, several):
        versions = several(3)
        set_row(versions[0], tries=1)
        assert line.next_ids() == [str(versions[0].pk)]
        set_row(versions[0], turn_at=timezone.now() + timedelta(hours=1))
        assert str(versions[0].pk) not in line.next_ids()

    def test_a_group_is_no_larger_than_said(self, several, monkeypatch):
        monkeypatch.setattr(line, "GROUP", 2)
        several(3)
        assert len(line.next_ids()) == 2

    def test_an_empty_line_is_no_turn(self, db):
        assert line.next_ids() == []
        take_turn()


class TestPause:
    def test_nothing_new_is_begun(self, several, admin, encoder, queued):
        (version,) = several(1, queued_at=timezone.now() - DEAD_AFTER)
        line.pause(actor=admin)
        take_turn()
        assert reconcile() == 0 and queued == []
        version.refresh_from_db()
        assert version.status == "queued"
        line.resume(actor=admin)
        take_turn()
        version.refresh_from_db()
        assert version.status == "ready"
        actions = set(AuditEvent.objects.values_list("action", flat=True))
        assert actions >= {"ingestion.paused", "ingestion.resumed"}

    def test_twice_is_refused(self, admin):
        with pytest.raises(StateConflict):
            line.resume(actor=admin)
        line.pause(actor=admin)
        with pytest.raises(StateConflict):
            line.pause(actor=admin)

    def test_on_the_pages(self, client, admin, curator, several):
        (version,) = several(1)
        client.force_login(admin)
        client.post(reverse("knowledge:pause_queue"))
        client.force_login(curator)
        shown = client.get(reverse("knowledge:documents")).content.decode()
        assert "The queue is paused" in shown and "Go on" not in shown
        assert (
            "The queue is paused"
            in client.get(version.document.get_absolute_url()).content.decode()
        )
        client.force_login(admin)
        assert "Go on" in client.get(reverse("knowledge:documents")).content.decode()
        client.post(reverse("knowledge:resume_queue"))
        assert not line.is_paused()


def test_that_nobody_reads_is_said_while_something_waits(client, curator, several):
    (version,) = several(1)
    client.force_login(curator)
    pages = (reverse("knowledge:documents"), version.document.get_absolute_url())
    client_of_valkey().flushdb()
    assert all("No ingestion worker is running" in page(client, url) for url in pages)
    worker = get_worker(INGESTION)
    worker.register_birth()
    assert not any("No ingestion worker is running" in page(client, url) for url in pages)
    worker.register_death()
    assert "No ingestion worker is running" in page(client, pages[0])
    set_row(version, status="ready")
    assert not any("No ingestion worker is running" in page(client, url) for url in pages)


def test_without_valkey_nobody_is_known_to_read(monkeypatch):
    def away(queue):
        raise ConnectionError("no Valkey")

    monkeypatch.setattr(line, "workers_of", away)
    assert not line.is_served()


def page(client, url):
    return client.get(url).content.decode()


def test_a_place_in_the_line_is_shown_and_can_be_changed(client, curator, several):
    _first, second = several(2)
    client.force_login(curator)
    url = second.document.get_absolute_url()
    assert "Its place in the line: 2" in client.get(url).content.decode()
    client.post(reverse("knowledge:put_first", args=[second.pk]))
    assert "It is next in the line" in client.get(url).content.decode()
    assert client.get(f"/api/versions/{second.pk}").json()["position"] == 1
    body = client.get("/api/queue").json()
    assert body == {"is_paused": False, "waiting": 2, "waiting_in_all": 2, "under_way": 0}
