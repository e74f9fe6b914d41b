"""An expert of quotes alone: same stream, same receipt, and never a word of a model."""

import asyncio
import json

import pytest
from django.urls import reverse

from chat.answering import answer as write_answer
from chat.experts import RetrievalSettings, new_version, promote
from chat.leases import claim_waiting
from chat.models import Answer, Receipt
from chat.receipts import verify_receipt
from chat.threads import in_thread
from tests.fakes import ScriptedEngine

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def quoting(expert, collection, admin):
    version = new_version(
        expert,
        actor=admin,
        collections=[collection],
        retrieval=RetrievalSettings(is_quoting=True),
    )
    promote(version, actor=admin)
    return version


@pytest.fixture
def answered(quoting, alice, ask_as, valkey):
    async def answered(question="What is the seal kit of the Heron pump?", **fields):
        await in_thread(ask_as)(alice, question, **fields)
        (claim,) = await in_thread(claim_waiting)("w1", 1)
        engine = ScriptedEngine()
        await write_answer(claim, engine, valkey=valkey, stop=asyncio.Event())
        assert not engine.prompts
        return await Answer.objects.select_related("question").aget(pk=claim.answer_id)

    return answered


async def test_it_answers_with_cited_sentences_and_asks_no_model(answered, chunks, valkey):
    answer = await answered()
    assert (answer.status, answer.stop_reason) == ("complete", "quoted")
    assert "The seal kit of the Heron pump is SK-17." in answer.text
    citations = [one async for one in answer.citations.select_related("passage")]
    assert citations and {one.verdict for one in citations} == {"supported"}
    for one in citations:
        quoted = one.passage.text[one.passage_start : one.passage_end]
        assert answer.text[one.start : one.end] == quoted
    used = [passage.marker async for passage in answer.passages.filter(is_used=True)]
    assert sorted({one.passage.marker for one in citations}) == used
    entries = await valkey.xrange(f"answer:{answer.pk}")
    types = [json.loads(fields[b"e"])["type"] for _, fields in entries]
    assert types == ["queued", "searching", "passages", "done"]
    assert json.loads(entries[2][1][b"e"])["key"] == ""
    last = json.loads(entries[-1][1][b"e"])["html"]
    assert "no model was asked" in last and "Key passage" not in last


async def test_its_receipt_holds_and_tells_what_was_quoted(answered, auditor, client):
    answer = await answered()
    receipt = await Receipt.objects.select_related("answer__question").aget()
    assert (await in_thread(verify_receipt)(receipt)).is_intact
    body = json.loads(receipt.body)
    assert body["prompt"] is None and body["looked_up"]["settings"]["is_quoting"] is True
    assert len(body["citations"]) == await answer.citations.acount()
    await in_thread(client.force_login)(auditor)
    page = await in_thread(client.get)(reverse("chat:receipt", args=[answer.pk]))
    told = page.content.decode()
    assert "What the answer rests on" in told and "word for word" in told


async def test_it_abstains_like_any_other(answered):
    answer = await answered("Who won the chess championship in Reykjavik?")
    assert (answer.is_abstention, answer.stop_reason) == (True, "abstained")


async def test_even_a_looked_up_cell_is_said_without_a_model(visits, answered):
    answer = await answered("How many hours was visit V-1?")
    assert (answer.stop_reason, answer.text.partition(" ")[0]) == ("computed", "4")


async def test_a_follow_up_is_not_rewritten_by_a_model(answered, settings):
    settings.CHAT_FOLLOW_UPS = "engine"
    first = await answered()
    second = await answered(
        "And what does it cost?", conversation_id=first.question.conversation_id
    )
    assert "It costs 48 euros." in second.text


async def test_without_documents_it_fails_in_words(answered, quoting):
    await in_thread(quoting.collections.clear)()
    answer = await answered()
    assert (answer.status, answer.error_code) == ("failed", "nothing_to_quote")


class TestForm:
    def post(self, client, admin, expert, **fields):
        client.force_login(admin)
        values = {
            "system_prompt": "Answer.", "passages": 3, "min_score": 0.3, "temperature": 0,
            "max_tokens": 100, "is_quoting": "on", **fields,
        }  # fmt: skip
        return client.post(reverse("chat:new_version", args=[expert.pk]), values)

    def test_the_setting_is_kept_in_the_version_and_shown(
        self, client, admin, alice, expert, collection
    ):
        self.post(client, admin, expert, collections=[collection.pk])
        version = expert.versions.first()
        assert version.is_quoting
        promote(version, actor=admin)
        assert "with quotes alone" in client.get(expert.get_absolute_url()).content.decode()
        assert "quotes only" in client.get(reverse("chat:experts")).content.decode()
        client.force_login(alice)
        assert "Service, quotes only" in client.get(reverse("chat:home")).content.decode()
        listed = client.get("/api/experts").json()["items"]
        assert [one["is_quoting"] for one in listed] == [True]

    def test_it_needs_documents(self, client, admin, expert):
        page = self.post(client, admin, expert).content.decode()
        assert "Choose where the quotes come from." in page
        assert expert.versions.count() == 1
