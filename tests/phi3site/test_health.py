"""The probes: alive without asking anybody, ready only when a question would be answered."""

import json
import os
import socket

import pytest
from django.urls import reverse
from rq import Worker

from phi3site import health
from phi3site.jobs import get_queue, get_worker, stay_known
from phi3site.valkey import client as valkey

GONE = 2**22 + 1  # above the largest process number of Linux


@pytest.fixture
def engine():
    key = "engine:heartbeat:test"
    valkey().set(key, json.dumps({"worker": "test"}), ex=60)
    yield key
    valkey().delete(key)


@pytest.fixture
def workers():
    workers = [get_worker(name) for name in ("ingestion", "training")]
    for worker in workers:
        worker.register_birth()
    yield workers
    for worker in workers:
        worker.register_death()


@pytest.fixture(autouse=True)
def _no_strangers():
    for name in ("ingestion", "training"):
        for worker in Worker.all(queue=get_queue(name)):
            worker.register_death()
    for key in valkey().scan_iter(match="engine:heartbeat:*"):
        valkey().delete(key)


def test_healthz_answers_without_touching_anything(client, monkeypatch):
    monkeypatch.setattr(health, "CHECKS", {"trap": lambda: pytest.fail("it asked somebody")})
    answer = client.get(reverse("healthz"))
    assert (answer.status_code, answer.content) == (200, b"ok")


def test_ready_when_every_part_answers(client, db, engine, workers):
    answer = client.get(reverse("readyz"))
    assert answer.status_code == 200, answer.json()
    assert answer.json()["missing"] == []
    assert set(answer.json()["parts"]) == set(health.CHECKS)


def test_names_the_engine_and_the_workers_when_they_are_missing(client, db):
    answer = client.get(reverse("readyz"))
    assert answer.status_code == 503
    assert answer.json()["missing"] == ["engine", "ingestion worker", "training worker"]


def test_a_killed_worker_does_not_count_though_rq_still_lists_it(client, db, engine, workers):
    dead = workers[1]
    valkey().hset(dead.key, mapping={"pid": GONE, "hostname": socket.gethostname()})
    assert client.get(reverse("readyz")).json()["missing"] == ["training worker"]
    valkey().hset(dead.key, mapping={"pid": os.getpid()})
    assert client.get(reverse("readyz")).json()["missing"] == []


def test_workers_are_known_again_after_valkey_was_emptied(client, db, engine, workers):
    for worker in workers:
        valkey().delete(worker.key)
        valkey().srem(worker.redis_workers_keys, worker.key)
        valkey().srem(f"rq:workers:{worker.queues[0].name}", worker.key)
        worker.heartbeat()
    assert client.get(reverse("readyz")).status_code == 503
    for worker in workers:
        stay_known(worker)
        stay_known(worker)
    assert client.get(reverse("readyz")).status_code == 200


def test_a_worker_that_has_not_begun_is_not_entered():
    worker = get_worker("ingestion")
    stay_known(worker)
    assert not valkey().exists(worker.key)


def test_a_worker_on_another_host_counts(client, db, engine, workers):
    valkey().hset(workers[0].key, mapping={"pid": GONE, "hostname": "gpu-2"})
    assert client.get(reverse("readyz")).status_code == 200


def test_says_when_postgres_is_away(client, db, engine, workers, monkeypatch):
    away = {"host": "/nowhere", "dbname": "none", "user": "none"}
    monkeypatch.setattr(health.connection, "get_connection_params", lambda: dict(away))
    answer = client.get(reverse("readyz"))
    assert answer.status_code == 503
    assert answer.json()["missing"] == ["postgres", "migrations", "keyword index"]
    assert "nowhere" not in answer.content.decode()


def test_says_when_valkey_is_away(client, db, settings, monkeypatch):
    import redis

    away = redis.Redis(unix_socket_path="/nowhere/valkey.sock")
    monkeypatch.setattr(health, "prompt_client", lambda: away)
    monkeypatch.setattr("phi3site.jobs.prompt_client", lambda: away)
    answer = client.get(reverse("readyz"))
    assert answer.status_code == 503
    assert {"valkey", "engine"} <= set(answer.json()["missing"])
    assert "nowhere" not in answer.content.decode()


def test_says_when_migrations_are_left(client, db, monkeypatch):
    newest = health._newest_migrations() | {("chat", "9999_later")}
    monkeypatch.setattr(health, "_newest_migrations", lambda: newest)
    part = client.get(reverse("readyz")).json()["parts"]["migrations"]
    assert part["ok"] is False
    assert "manage.py migrate" in part["detail"]


@pytest.mark.parametrize("name", ["healthz", "readyz"])
def test_probes_are_read_only_and_never_cached(client, db, name):
    assert client.post(reverse(name)).status_code == 405
    assert "no-cache" in client.get(reverse(name))["Cache-Control"]
