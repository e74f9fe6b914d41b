"""Valkey is emptied, Postgres drops a connection, two workers want the same: files go on."""

import signal
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from redis.exceptions import TimeoutError as RedisTimeout

from knowledge import ingestion, line, reconciling, turns
from knowledge.attempts import Attempt
from knowledge.errors import EncoderUnavailable
from knowledge.ingestion import ingest
from knowledge.models import Chunk, DocumentVersion
from knowledge.reconciling import reconcile
from phi3site import jobs
from phi3site.jobs import INGESTION, AllowListedQueue, get_queue, get_worker, jobs_waiting
from phi3site.valkey import client

LARGE = 9 * 1024**2


def set_row(version, **values):
    DocumentVersion.objects.filter(pk=version.pk).update(**values)


def seen(version):
    version.refresh_from_db()
    return version.status


@pytest.fixture
def work(encoder, transactional_db):
    """Runs the jobs that wait, as a worker does."""
    client().flushdb()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield lambda: get_worker(INGESTION).work(burst=True, logging_level="WARNING")
    client().flushdb()
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def waited(monkeypatch):
    """No upload is so fresh that its own request may still queue it."""
    monkeypatch.setattr(reconciling, "FRESH", timedelta(0))


def test_an_emptied_queue_is_filled_again(work, waited, upload):
    version = upload()
    assert jobs_waiting(INGESTION) == 1
    client().flushdb()
    work()
    assert seen(version) == "queued"
    reconcile()
    work()
    assert seen(version) == "ready"


def test_a_job_that_was_spent_in_a_pause_comes_again(work, upload, admin):
    version = upload()
    line.pause(actor=admin)
    work()
    assert (seen(version), jobs_waiting(INGESTION)) == ("queued", 0)
    line.resume(actor=admin)
    work()
    assert seen(version) == "ready"


def test_a_lost_turn_comes_again_at_the_next_look(work, waited, upload):
    version = upload()
    get_queue(INGESTION).empty()
    reconcile()
    reconcile()
    assert jobs_waiting(INGESTION) == 1
    work()
    assert seen(version) == "ready"


def test_a_long_line_makes_no_long_queue(work, waited, upload, monkeypatch):
    monkeypatch.setattr(reconciling, "BATCH", 2)
    for number in range(4):
        upload(f"Words {number}.", f"{number}.txt")
    assert (reconcile(), jobs_waiting(INGESTION)) == (0, 4)
    get_queue(INGESTION).empty()
    assert (reconcile(), jobs_waiting(INGESTION)) == (2, 2)


def test_a_connection_that_was_cut_costs_one_try(work, upload, encoder, monkeypatch):
    """As a restart of Postgres does it, in the middle of the way."""
    monkeypatch.setattr(ingestion, "EMBEDDING_BATCH", 1)
    version, real = upload(), encoder.encode_passages

    def encode_passages(texts):
        connection.connection.close()
        return real(texts)

    with monkeypatch.context() as patch:
        patch.setattr(encoder, "encode_passages", encode_passages)
        with pytest.raises(OperationalError):
            ingest(str(version.pk))
    assert (seen(version), version.tries, Chunk.objects.count()) == ("queued", 1, 0)
    work()
    assert (seen(version), version.attempt) == ("ready", 2)


def test_many_files_ask_a_valkey_that_is_away_once(work, waited, upload, monkeypatch):
    asked = []
    monkeypatch.setitem(jobs._away, "until", 0.0)

    def away(*args, **options):
        asked.append(args)
        raise RedisTimeout("silent")

    with monkeypatch.context() as patch:
        patch.setattr(AllowListedQueue, "enqueue_call", away)
        versions = [upload(f"Words {number}.", f"{number}.txt") for number in range(3)]
    assert len(asked) == 1
    monkeypatch.setitem(jobs._away, "until", 0.0)
    reconcile()
    work()
    assert [seen(version) for version in versions] == ["ready"] * 3


@pytest.mark.django_db
def test_a_turn_whose_file_another_worker_took_is_for_the_next_one(upload, encoder, monkeypatch):
    first, second = upload("One.", "one.txt"), upload("Two.", "two.txt")
    for version in (first, second):
        set_row(version, size=LARGE)
    real, others = turns.next_ids, []

    def next_ids(**options):
        ids = real(**options)
        if not others:
            others.append(Attempt.claim(str(first.pk)))
        return ids

    monkeypatch.setattr(turns, "next_ids", next_ids)
    turns.take_turn()
    assert (seen(first), seen(second)) == ("extracting", "ready")


@pytest.mark.django_db
@pytest.mark.parametrize("door", ["get_encoder", "encode_passages"])
def test_an_encoder_that_is_away_is_waited_for_and_named(upload, encoder, monkeypatch, door):
    version = upload()

    def away(*args):
        raise EncoderUnavailable("The encoder server does not answer.")

    place = "knowledge.embedding.get_encoder"
    for _round in range(4):
        with monkeypatch.context() as patch:
            patch.setattr(*((place, away) if door == "get_encoder" else (encoder, door, away)))
            turns.take_turn()
        assert (seen(version), version.tries) == ("queued", 0)
        assert version.error == "The encoder server does not answer."
    turns.take_turn()
    assert (seen(version), version.error) == ("ready", "")
