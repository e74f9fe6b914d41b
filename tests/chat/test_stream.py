"""The log of an answer: nothing lost, nothing twice, whatever breaks off."""

import asyncio
import random
from uuid import uuid4

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as ValkeyAway

from chat import stream as stream_module
from chat.events import Event
from chat.hub import WAITING, Hub, ReaderTooSlow, coalesce
from chat.stream import AnswerStream, Superseded, parse_id


def text(words):
    return Event(type="text", text=words)


async def read(hub, answer_id, last=(0, 0), until="done"):
    """All entries after `last` up to the given type."""
    subscription, entries = hub.follow(answer_id, last), []
    while not entries or entries[-1][1]["type"] != until:
        came = await subscription.next(10)
        assert came, "nothing came"
        entries += came
    subscription.close()
    return entries


async def test_ids_are_the_attempt_and_a_number_without_gaps(valkey):
    answer_id = uuid4()
    log = AnswerStream(valkey, answer_id, 3)
    for word in "abc":
        await log.append(text(word))
    await log.append(Event(type="done", html=""))
    entries = await read(Hub(), answer_id)
    assert [entry_id for entry_id, _ in entries] == ["3-1", "3-2", "3-3", "3-4"]
    assert 0 < await valkey.ttl(f"answer:{answer_id}") <= 900


async def test_readers_that_come_and_go_at_random_get_every_event_once(valkey):
    answer_id, hub, dice = uuid4(), Hub(), random.Random(7)
    log = AnswerStream(valkey, answer_id, 1)

    async def write():
        for number in range(400):
            await log.append(text(f"{number} "))
        await log.append(Event(type="done", html=""))

    async def reader():
        last, got = (0, 0), []
        while not got or got[-1][1]["type"] != "done":
            subscription = hub.follow(answer_id, last)
            for _ in range(dice.randint(1, 4)):
                got += await subscription.next(0.05)
                if got and got[-1][1]["type"] == "done":
                    break
            subscription.close()
            got_ids = [parse_id(entry_id) for entry_id, _ in got]
            last = got_ids[-1] if got_ids else last
        return "".join(event.get("text", "") for _, event in got)

    results = await asyncio.gather(write(), *(reader() for _ in range(20)))
    assert set(results[1:]) == {"".join(f"{number} " for number in range(400))}


async def test_who_comes_while_the_hub_reads_for_others_misses_nothing(valkey, monkeypatch):
    answer_id, hub, late = uuid4(), Hub(), []
    log = AnswerStream(valkey, answer_id, 1)
    for event in (text("The "), text("end."), Event(type="done", html="")):
        await log.append(event)
    xread = Redis.xread

    async def read_while_another_comes(self, *args, **options):
        logs = await xread(self, *args, **options)
        if not late:
            late.append(hub.follow(answer_id))
        return logs

    monkeypatch.setattr(Redis, "xread", read_while_another_comes)
    assert len(await read(hub, answer_id, last=(1, 1))) == 2
    got = []
    while not got or got[-1][1]["type"] != "done":
        got += await late[0].next(10)
    assert [entry_id for entry_id, _ in got] == ["1-1", "1-2", "1-3"]


async def test_a_log_that_is_lost_in_the_middle_is_written_again(valkey):
    answer_id, hub = uuid4(), Hub()
    log = AnswerStream(valkey, answer_id, 1)
    for word in ("a", "b"):
        await log.append(text(word))
    early = await read(hub, answer_id, until="text")
    await valkey.flushdb()
    for event in (text("c"), Event(type="done", html="")):
        await log.append(event)
    rest = await read(hub, answer_id, last=parse_id(early[-1][0]))
    everything = await read(hub, answer_id)
    assert [entry_id for entry_id, _ in early + rest] == ["1-1", "1-2", "1-3", "1-4"]
    assert everything == early + rest


class Flaky:
    """A connection that breaks before or after the command, as told."""

    def __init__(self, valkey: Redis):
        self._valkey, self.breaks = valkey, []

    def __getattr__(self, name):
        return getattr(self._valkey, name)

    async def xadd(self, *args, **kwargs):
        when = self.breaks.pop(0) if self.breaks else ""
        if when == "before":
            raise ValkeyAway
        added = await self._valkey.xadd(*args, **kwargs)
        if when == "after":
            raise ValkeyAway
        return added


async def test_a_reply_that_was_lost_does_not_double_its_event(valkey):
    answer_id, flaky = uuid4(), Flaky(valkey)
    log = AnswerStream(flaky, answer_id, 1)
    await log.append(text("a"))
    flaky.breaks = ["after", "", "before", "before"]
    for word in ("b", "c", "d", "e", "f"):
        await log.append(text(word))
    await log.append(Event(type="done", html=""))
    entries = await read(Hub(), answer_id)
    assert "".join(event.get("text", "") for _, event in entries) == "abcdef"


async def test_an_attempt_that_is_over_can_not_write(valkey):
    answer_id = uuid4()
    old, new = AnswerStream(valkey, answer_id, 1), AnswerStream(valkey, answer_id, 2)
    await old.append(text("old"))
    await new.append(Event(type="restarted"))
    with pytest.raises(Superseded):
        await old.append(text("late"))
    await new.append(Event(type="done", html=""))
    kinds = [event["type"] for _, event in await read(Hub(), answer_id)]
    assert kinds == ["text", "restarted", "done"]


async def test_the_end_waits_for_valkey_and_then_gives_up(valkey, monkeypatch):
    monkeypatch.setattr(stream_module, "PAUSE", 0)
    flaky = Flaky(valkey)
    answer_id = uuid4()
    log = AnswerStream(flaky, answer_id, 1)
    await log.append(text("a"))
    flaky.breaks = ["before"] * 5
    await log.append(Event(type="done", html=""))
    assert len(await read(Hub(), answer_id)) == 2
    lost = AnswerStream(flaky, uuid4(), 1)
    await lost.append(text("a"))
    flaky.breaks = ["before"] * 100
    await lost.append(Event(type="done", html=""))
    assert len(flaky.breaks) == 100 - stream_module.LAST_TRIES


async def test_the_hub_outlives_broken_connections(valkey):
    answer_id, hub = uuid4(), Hub()
    log = AnswerStream(valkey, answer_id, 1)
    reading = asyncio.create_task(read(hub, answer_id))
    await log.append(text("a"))
    for connection in await valkey.client_list():
        if connection["cmd"] == "xread":
            await valkey.client_kill_filter(_id=connection["id"])
    await log.append(Event(type="done", html=""))
    assert len(await asyncio.wait_for(reading, 20)) == 2


async def test_entries_that_are_no_events_are_passed_over(valkey):
    answer_id = uuid4()
    await valkey.xadd(f"answer:{answer_id}", {"e": "{"}, id="1-1")
    await valkey.xadd(f"answer:{answer_id}", {"x": "1"}, id="1-2")
    await valkey.xadd(f"answer:{answer_id}", {"e": '{"type":"done"}'}, id="1-3")
    assert [entry_id for entry_id, _ in await read(Hub(), answer_id)] == ["1-3"]


async def test_a_reader_that_stops_reading_is_dropped_and_can_resume(valkey):
    hub, answer_id = Hub(), uuid4()
    slow = hub.follow(answer_id)
    for number in range(1, WAITING + 3):
        slow.offer(f"1-{number}", text("x"))
    assert slow.is_over
    with pytest.raises(ReaderTooSlow):
        await slow.next(1)


def test_successive_texts_travel_as_one_under_the_last_id():
    block = ("1-3", Event(type="block", html="<p>ab</p>"))
    entries = [("1-1", text("a")), ("1-2", text("b")), block, ("1-4", text("c"))]
    assert coalesce(entries) == [("1-2", text("ab")), block, ("1-4", text("c"))]


@pytest.mark.parametrize("bad", ["", "-", "x", "1-x", "-1", "1" * 41, "٣-١", "1-2-3"])
def test_what_is_no_id_is_refused(bad):
    with pytest.raises(ValueError):
        parse_id(bad)
