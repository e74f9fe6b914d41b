"""Who waits for a page is not made to wait for a Valkey that is away."""

import socket
import threading

import pytest
from redis.exceptions import ConnectionError as ConnectionFailed
from redis.exceptions import TimeoutError as TimedOut

from phi3site import jobs, valkey


@pytest.fixture
def server(settings):
    """A listener in Valkey's place; the prompt client of this test is made for it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        settings.REDIS_URL = f"redis://127.0.0.1:{listener.getsockname()[1]}/0"
        valkey.prompt_client.cache_clear()
        yield listener
    valkey.prompt_client.cache_clear()


@pytest.fixture(autouse=True)
def _nobody_sleeps(monkeypatch):
    def sleep(seconds):
        raise AssertionError(f"slept {seconds} s between two tries")

    monkeypatch.setattr("redis.retry.sleep", sleep)


def test_a_broken_connection_is_opened_once_more_and_without_a_pause(server):
    seen = []

    def hang_up():
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            seen.append(connection)
            connection.close()

    threading.Thread(target=hang_up, daemon=True).start()
    with pytest.raises(ConnectionFailed):
        valkey.prompt_client().ping()
    assert len(seen) <= 2


def test_a_silent_server_is_asked_once(server):
    with pytest.raises(TimedOut):
        valkey.prompt_client().ping()
    server.setblocking(False)
    server.accept()[0].close()
    with pytest.raises(BlockingIOError):
        server.accept()


def test_a_server_that_is_gone_is_refused_at_once(server):
    server.close()
    with pytest.raises(ConnectionFailed):
        valkey.prompt_client().ping()


def test_looking_for_workers_leaves_the_timeouts_alone():
    jobs.workers_of("ingestion")
    pool = valkey.prompt_client().connection_pool
    assert pool.connection_kwargs["socket_timeout"] == 0.4


def test_a_job_is_left_to_the_reconciler_at_once(server, monkeypatch):
    monkeypatch.setitem(jobs._away, "until", 0.0)
    for _job in range(2):
        jobs._enqueue("knowledge.tasks.embed_version", (), "ingestion", "job", 60, False)
    server.setblocking(False)
    server.accept()[0].close()
    with pytest.raises(BlockingIOError):
        server.accept()
