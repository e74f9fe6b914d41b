"""The socket: ask, stop and resume are heard at any time; nobody hears foreign answers."""

import asyncio
import json
from uuid import uuid4

import pytest
from asgiref.testing import ApplicationCommunicator
from django.contrib.auth.models import User
from django.test import Client

from chat import consumers
from chat.models import Answer, Question
from chat.organising import delete_conversation
from chat.stream import AnswerStream
from chat.threads import in_thread
from chat.worker import Worker
from phi3site.asgi import application
from phi3site.valkey import client
from tests.fakes import ScriptedEngine

pytestmark = pytest.mark.django_db(transaction=True)
LAST = {"done", "stopped", "failed", "snapshot"}


class Socket(ApplicationCommunicator):
    """A websocket, as a server speaks it to the application."""

    def __init__(self, headers):
        super().__init__(
            application,
            {
                "type": "websocket",
                "path": "/ws/chat/",
                "raw_path": b"/ws/chat/",
                "query_string": b"",
                "headers": headers,
                "subprotocols": [],
            },
        )

    async def connect(self):
        """Whether it was accepted, else the code of the refusal."""
        await self.send_input({"type": "websocket.connect"})
        answer = await self.receive_output(10)
        return True if answer["type"] == "websocket.accept" else answer.get("code", False)

    async def send_to(self, **data):
        await self.send_input({"type": "websocket.receive", **data})

    async def disconnect(self):
        await self.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wait(10)


class Browser:
    """A signed-in person's socket through the whole application: origin, cookie and all."""

    def __init__(self, user, origin=b"http://localhost"):
        self.client = Client()
        if user is not None:
            self.client.force_login(user)
        cookie = self.client.cookies.output(header="", sep=";").split(";")[0].strip()
        headers = [(b"host", b"localhost"), (b"origin", origin), (b"cookie", cookie.encode())]
        self.socket = Socket(headers)

    async def __aenter__(self):
        assert await self.socket.connect() is True
        return self

    async def __aexit__(self, *_):
        await self.socket.disconnect()

    async def send(self, **frame):
        await self.socket.send_to(text=json.dumps(frame, default=str))

    async def hear(self):
        """The next frame; hints on changes come at any moment and are passed over."""
        while (frame := await self._next())["type"] == "changed":
            pass
        return frame

    async def hear_change(self):
        while (frame := await self._next())["type"] != "changed":
            pass
        return frame["conversation"]

    async def _next(self):
        return json.loads((await self.socket.receive_output(10))["text"])

    async def hear_until(self, *types):
        heard = [await self.hear()]
        while heard[-1]["type"] not in types:
            heard.append(await self.hear())
        return heard

    async def closed(self):
        """The code that the server closes with; frames before it are passed over."""
        while (message := await self.socket.receive_output(10))["type"] != "websocket.close":
            pass
        return message["code"]


@pytest.fixture
def browser():
    async def opened(user, **fields):
        return await in_thread(Browser)(user, **fields)

    return opened


@pytest.fixture
def question(expert):
    return {
        "type": "ask",
        "client_id": uuid4(),
        "conversation": None,
        "expert": expert.pk,
        "question": "What is the seal kit of the Heron pump?",
    }


@pytest.fixture
async def engine(gate):
    """A worker whose engine speaks through the gate."""
    worker = Worker(ScriptedEngine(["The seal kit ", "is SK-17."], gate), slots=4)
    task = asyncio.create_task(worker.run())
    yield worker
    worker.end()
    for _ in range(20):
        gate.open()
    await asyncio.wait_for(task, 20)


def shown(heard):
    return "".join(event["text"] for event in heard if event["type"] == "text")


async def test_a_question_is_acknowledged_and_its_answer_streams(
    alice, browser, question, engine, gate
):
    gate.open(), gate.open()
    async with await browser(alice) as tab:
        await tab.send(**question)
        asked = await tab.hear()
        assert (asked["type"], asked["client_id"]) == ("asked", str(question["client_id"]))
        assert asked["title"] == question["question"]
        heard = await tab.hear_until(*LAST)
    assert [event["type"] for event in heard if event["type"] != "text"] == [
        "queued", "searching", "passages", "done",
    ]  # fmt: skip
    assert shown(heard) == "The seal kit is SK-17."
    assert {event["answer"] for event in heard} == {asked["answer"]}
    assert f"answer-{asked['answer']}" in heard[-1]["html"]


async def test_stop_is_heard_while_the_answer_streams(alice, browser, question, engine, gate):
    async with await browser(alice) as tab:
        await tab.send(**question)
        asked = await tab.hear()
        gate.open()
        await tab.hear_until("text")
        await tab.send(type="stop", answer=asked["answer"])
        assert (await tab.hear_until(*LAST))[-1]["type"] == "stopped"
        await tab.send(type="stop", answer=asked["answer"])  # twice is no error
        await tab.send(type="resume", answer=asked["answer"], last="0")
        assert (await tab.hear_until(*LAST))[-1]["type"] == "stopped"
    assert (await Answer.objects.aget()).text == "The seal kit "


async def test_a_new_tab_gets_all_and_a_returning_one_the_rest(
    alice, browser, question, engine, gate
):
    async with await browser(alice) as tab:
        await tab.send(**question)
        asked = await tab.hear()
        gate.open()
        before = await tab.hear_until("text")
    gate.open()
    async with await browser(alice) as tab, await browser(alice) as other:
        await tab.send(type="resume", answer=asked["answer"], last=before[-1]["id"])
        await other.send(type="resume", answer=asked["answer"], last="0")
        rest, everything = await tab.hear_until(*LAST), await other.hear_until(*LAST)
    assert shown(before) + shown(rest) == shown(everything) == "The seal kit is SK-17."
    assert "passages" not in [event["type"] for event in rest]
    assert rest[-1]["html"] == everything[-1]["html"]


async def test_an_answer_whose_log_is_gone_comes_from_its_row(
    alice, browser, question, engine, gate
):
    gate.open(), gate.open()
    async with await browser(alice) as tab:
        await tab.send(**question)
        asked = await tab.hear()
        await tab.hear_until("done")
        client().flushdb()
        await tab.send(type="resume", answer=asked["answer"], last="0")
        snapshot = await tab.hear()
    assert (snapshot["type"], snapshot["status"]) == ("snapshot", "complete")
    assert "SK-17" in snapshot["html"]


async def test_a_resend_after_a_lost_ack_is_the_same_question(alice, browser, question):
    async with await browser(alice) as tab, await browser(alice) as other:
        await tab.send(**question)
        await other.send(**question)
        first = (await tab.hear_until("asked"))[-1]
        second = (await other.hear_until("asked"))[-1]
    assert first == second
    assert await Question.objects.acount() == 1


async def test_foreign_answers_are_as_if_missing(alice, bob, mallory, browser, ask_as):
    answer = await in_thread(ask_as)(alice)
    for stranger in (bob, mallory):
        async with await browser(stranger) as tab:
            for target in (answer.pk, uuid4()):
                for kind in ("stop", "resume"):
                    await tab.send(type=kind, answer=target)
                    refused = await tab.hear()
                    assert (refused["type"], refused["code"]) == ("error", "not_found")
            assert await tab.socket.receive_nothing(0.2)
    assert (await Answer.objects.aget()).status == "queued"


async def test_foreign_experts_can_not_be_asked(mallory, browser, question):
    async with await browser(mallory) as tab:
        await tab.send(**question)
        refused = await tab.hear()
    assert refused["code"] == "not_found" and refused["client_id"] == str(question["client_id"])


@pytest.mark.parametrize("who", ["nobody", "auditor", "disabled"])
async def test_who_may_not_ask_gets_no_socket(who, auditor, alice, browser):
    user = {"nobody": None, "auditor": auditor, "disabled": alice}[who]
    tab = await browser(user)
    await User.objects.filter(pk=alice.pk).aupdate(is_active=False)
    assert await tab.socket.connect() == consumers.UNAUTHENTICATED


async def test_a_foreign_page_can_not_open_the_socket(alice, browser):
    tab = await browser(alice, origin=b"https://evil.example")
    assert await tab.socket.connect() is not True


GARBAGE = [
    "", "{", "[]", "null", "7", '"ask"', "{}", '{"type":"ask"}', '{"type":"drop"}',
    '{"type":"stop","answer":"x"}', '{"type":"resume","answer":null}', "[" * 30_000,
    '{"type":"stop","answer":' + "9" * 5000 + "}", '{"type":"ask","type":"stop"}',
    '{"type":"resume","answer":"00000000-0000-0000-0000-000000000000","last":"1;2"}',
    '{"type":"ask","client_id":"00000000-0000-0000-0000-000000000000","expert":1,"question":[]}',
]  # fmt: skip


@pytest.mark.parametrize("frame", GARBAGE, ids=range(len(GARBAGE)))
async def test_garbage_is_answered_with_an_error_and_the_socket_stays(alice, browser, frame):
    async with await browser(alice) as tab:
        await tab.socket.send_to(text=frame)
        assert (await tab.hear())["code"] == "bad_frame"
        await tab.socket.send_to(bytes=b"\xff\x00")
        assert (await tab.hear())["code"] == "bad_frame"
        await tab.send(type="stop", answer=uuid4())
        assert (await tab.hear())["code"] == "not_found"


async def test_too_much_garbage_and_too_long_frames_close_the_socket(alice, browser):
    async with await browser(alice) as tab:
        for _ in range(consumers.MOST_ERRORS + 1):
            await tab.socket.send_to(text="{")
        assert await tab.closed() == consumers.GARBAGE
    async with await browser(alice) as tab:
        await tab.socket.send_to(text="x" * (consumers.LONGEST_FRAME + 1))
        assert await tab.closed() == consumers.TOO_LONG


@pytest.mark.parametrize("how", ["disabled", "signed_out", "role", "password"])
async def test_a_socket_ends_when_its_right_ends(alice, browser, question, how):
    async with await browser(alice) as tab:
        await tab.send(**question)
        await tab.hear_until("queued")
        await in_thread(revoke)(how, alice, tab.client)
        assert await tab.closed() == consumers.UNAUTHENTICATED


def revoke(how, user, browser_client):
    if how == "signed_out":
        browser_client.logout()
    elif how == "role":
        user.groups.clear()
    elif how == "password":
        user.set_password("something-else")
        user.save()
    else:
        User.objects.filter(pk=user.pk).update(is_active=False)


async def test_deleting_the_conversation_cuts_its_answer(alice, browser, question, engine, gate):
    async with await browser(alice) as tab:
        await tab.send(**question)
        asked = await tab.hear()
        gate.open()
        await tab.hear_until("text")
        await in_thread(delete_conversation)(alice, asked["conversation"])
        assert (await tab.hear_until(*LAST))[-1]["type"] == "stopped"


async def test_texts_are_sent_together_and_not_one_by_one(alice, browser, ask_as, valkey):
    answer = await in_thread(ask_as)(alice)
    log = AnswerStream(valkey, answer.pk, 1)
    for number in range(300):
        await log.append({"type": "text", "text": f"{number} "})
    await log.append({"type": "done", "html": ""})
    async with await browser(alice) as tab:
        await tab.send(type="resume", answer=answer.pk, last="0")
        heard = await tab.hear_until("done")
    assert shown(heard) == "".join(f"{number} " for number in range(300))
    assert len(heard) < 10
