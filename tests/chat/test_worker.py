"""Workers claim fairly, keep their leases, and lose nothing when one of them dies."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from chat import leases
from chat.asking import request_stop
from chat.hub import Hub
from chat.leases import claim_waiting, end_hopeless, free_leases_of, hand_back, renew
from chat.models import Answer, Receipt
from chat.threads import in_thread
from chat.worker import EngineDied, Worker
from phi3site.audit.verifying import verify_chain
from phi3site.valkey import client
from tests.fakes import ScriptedEngine

ENDED = {"done", "stopped", "failed"}


async def follow(answer, until=ENDED):
    """What a browser would hold after the last event."""
    subscription, heard = Hub().follow(answer.pk), []
    while not heard or heard[-1]["type"] not in until:
        came = await subscription.next(40)
        assert came, f"nothing after {heard}"
        heard += [event for _, event in came]
    subscription.close()
    return heard


async def working(engine, slots=4):
    worker = Worker(engine, slots=slots)
    return worker, asyncio.create_task(worker.run())


async def leave(worker, task):
    worker.end()
    await asyncio.wait_for(task, 20)


def expire():
    Answer.objects.update(lease_until=timezone.now() - timedelta(seconds=1))


@pytest.mark.django_db
def test_an_answer_is_claimed_once(alice, ask_as):
    answer = ask_as(alice)
    (claim,) = claim_waiting("w1", 5)
    assert (claim.answer_id, claim.attempt) == (answer.pk, 1)
    assert claim_waiting("w2", 5) == []
    assert renew("w1", [claim]) == (set(), set())


@pytest.mark.django_db
def test_who_has_less_under_way_comes_first(alice, bob, ask_as):
    alices = [ask_as(alice).pk for _ in range(3)]
    bobs = [ask_as(bob).pk]
    order = [claim_waiting("w", 1)[0].answer_id for _ in range(4)]
    assert order == [alices[0], bobs[0], alices[1], alices[2]]


@pytest.mark.django_db
def test_an_expired_lease_is_taken_over_once_and_then_ends_the_answer(alice, ask_as):
    ask_as(alice)
    (first,) = claim_waiting("w1", 1)
    expire()
    (second,) = claim_waiting("w2", 1)
    assert (second.attempt, first.rows().exists()) == (2, False)
    assert renew("w1", [first]) == ({first.answer_id}, set())
    expire()
    assert claim_waiting("w3", 1) == [] and end_hopeless() == 1
    answer = Answer.objects.get()
    assert (answer.status, answer.error_code) == ("failed", "worker_lost")
    assert not second.rows().exists() and end_hopeless() == 0


@pytest.mark.django_db
def test_handing_back_is_no_crash(alice, ask_as):
    ask_as(alice)
    for attempt in range(1, 5):
        (claim,) = claim_waiting("w", 1)
        assert claim.attempt == attempt and hand_back(claim) and not hand_back(claim)
    assert Answer.objects.get().crashes == 0


@pytest.mark.django_db
def test_the_leases_of_a_dead_worker_are_free_at_once(alice, ask_as):
    ask_as(alice)
    claim_waiting("dead", 1)
    assert leases.holders() == ["dead"]
    assert free_leases_of(["other"]) == 0 and free_leases_of(["dead"]) == 1
    assert claim_waiting("w", 1)[0].attempt == 2


@pytest.mark.django_db(transaction=True)
async def test_many_questions_are_answered_together(alice, bob, ask_as, gate):
    answers = [await in_thread(ask_as)(user) for user in (alice, alice, bob)]
    worker, task = await working(ScriptedEngine(["All at once."], gate))
    for _ in answers:
        assert await gate.reached() == "All at once."  # all three wait at the same time
    for _ in answers:
        gate.open()
    for answer in answers:
        assert (await follow(answer))[-1]["type"] == "done"
    heartbeat = json.loads(client().get(f"engine:heartbeat:{worker.name}"))
    assert (heartbeat["base_model"], heartbeat["worker"]) == ("scripted", worker.name)
    await leave(worker, task)
    assert client().get(f"engine:heartbeat:{worker.name}") is None


@pytest.mark.django_db(transaction=True)
async def test_a_stop_reaches_the_running_answer(alice, ask_as, gate):
    answer = await in_thread(ask_as)(alice)
    worker, task = await working(ScriptedEngine(["One. ", "Two."], gate))
    await gate.reached()
    await in_thread(request_stop)(alice, answer.pk)
    assert (await follow(answer))[-1]["type"] == "stopped"
    await leave(worker, task)


@pytest.mark.django_db(transaction=True)
async def test_questions_are_found_although_valkey_was_emptied(alice, ask_as):
    answer = await in_thread(ask_as)(alice)
    client().flushdb()
    worker, task = await working(ScriptedEngine())
    assert (await follow(answer))[-1]["type"] == "done"
    await leave(worker, task)


@pytest.mark.django_db(transaction=True)
async def test_valkey_emptied_in_mid_answer_loses_nothing(alice, ask_as, gate):
    answer = await in_thread(ask_as)(alice)
    pieces = ["The seal kit ", "of the Heron pump ", "is SK-17."]
    worker, task = await working(ScriptedEngine(pieces, gate))
    await gate.reached()
    gate.open()
    await gate.reached()
    before = await follow(answer, until={"text"})
    client().flushdb()
    gate.open(), gate.open()
    heard = await follow(answer)
    assert text_of(before) == pieces[0] and text_of(heard) == "".join(pieces)
    row = await Answer.objects.aget()
    assert (row.status, row.text) == ("complete", "".join(pieces))
    await leave(worker, task)


@pytest.mark.django_db(transaction=True)
async def test_a_worker_that_must_go_hands_its_answers_on(alice, ask_as, gate, monkeypatch):
    monkeypatch.setattr("chat.worker.GRACE", 0.05)
    answer = await in_thread(ask_as)(alice)
    worker, task = await working(ScriptedEngine(["Never said."], gate))
    await gate.reached()
    await leave(worker, task)
    row = await Answer.objects.aget()
    assert (row.status, row.worker) == ("queued", "")
    other, task = await working(ScriptedEngine(["The seal kit is SK-17."]))
    heard = await follow(answer)
    assert "restarted" in [event["type"] for event in heard]
    assert (await Answer.objects.aget()).text == "The seal kit is SK-17."
    await leave(other, task)


@pytest.mark.django_db(transaction=True)
async def test_a_dead_engine_ends_the_worker(alice, ask_as):
    engine = ScriptedEngine()
    engine.is_alive = False
    _, task = await working(engine)
    with pytest.raises(EngineDied):
        await asyncio.wait_for(task, 10)


def text_of(events):
    """The text that a browser shows: what came after the last restart."""
    kinds = [event["type"] for event in events]
    start = len(kinds) - kinds[::-1].index("restarted") if "restarted" in kinds else 0
    return "".join(event.get("text", "") for event in events[start:])


@pytest.fixture
def spawn():
    """Starts engine workers as processes; ends those that still live."""
    processes = []
    database = connection.settings_dict
    url = f"postgresql://{database['USER']}@/{database['NAME']}?host={database['HOST']}"

    def start(delay):
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.chat.engine_process", str(delay)],
            env=os.environ | {"DATABASE_URL": url},
            stderr=subprocess.DEVNULL,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.wait()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_restarted_on_this_host", [True, False])
async def test_a_killed_worker_is_replaced_within_fifteen_seconds(
    alice, ask_as, spawn, is_restarted_on_this_host
):
    answers = [await in_thread(ask_as)(alice) for _ in range(3)]
    victim = spawn(0.5)
    for answer in answers:
        await follow(answer, until={"text"})
    other = None if is_restarted_on_this_host else spawn(0.01)
    if other is not None:
        await heartbeats(2)
    victim.send_signal(signal.SIGKILL)
    killed = timezone.now()
    other = other or spawn(0.01)
    for answer in answers:
        heard = await follow(answer)
        kinds = Counter(event["type"] for event in heard)
        assert (kinds["done"], kinds["restarted"]) == (1, 1)
        row = await Answer.objects.aget(pk=answer.pk)
        assert (row.status, row.attempt, row.crashes) == ("complete", 2, 1)
        assert text_of(heard) == row.text == "The seal kit of the Heron pump is SK-17. [1]"
        assert row.started_at < killed + timedelta(seconds=15)
    assert await Receipt.objects.acount() == 3
    assert (await in_thread(verify_chain)()).is_intact
    other.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(other.wait, 20) == 0


async def heartbeats(count):
    async with asyncio.timeout(30):
        while len(client().keys("engine:heartbeat:*")) < count:
            await asyncio.sleep(0.05)
