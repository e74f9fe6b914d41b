"""What was computed from a table, on its way through an answer: prompt, source, receipt, rights."""

import asyncio
import json

import pytest
from django.urls import reverse

from chat.answering import answer as write_answer
from chat.leases import claim_waiting
from chat.models import Answer, Receipt
from chat.threads import in_thread
from tests.fakes import ScriptedEngine

pytestmark = pytest.mark.django_db(transaction=True)

QUESTION = "How many visits were in Bremen?"
SAID = "Computed from the table “visits”: number of rows where Town is “Bremen” = 3."


@pytest.fixture
def answered(visits, alice, ask_as, valkey):
    """The answer to the question, and the engine that may have been asked."""

    async def answered(question=QUESTION):
        await in_thread(ask_as)(alice, question)
        (claim,) = await in_thread(claim_waiting)("w1", 1)
        engine = ScriptedEngine(["It lasted 4 hours [1]."])
        await write_answer(claim, engine, valkey=valkey, stop=asyncio.Event())
        return await Answer.objects.aget(pk=claim.answer_id), engine

    return answered


async def test_what_was_counted_is_said_as_it_is_without_a_model(answered):
    answer, engine = await answered()
    used = [passage async for passage in answer.passages.filter(is_used=True)]
    assert (answer.status, answer.is_abstention) == ("complete", False)
    assert (answer.stop_reason, engine.prompts) == ("computed", [])
    told = "computed from the table “visits”: number of rows where Town is “Bremen”"
    assert answer.text == f"3 – {told}."
    assert [(one.kind, one.key_words) for one in used] == [("computed", SAID)]
    citation = await answer.citations.aget()
    assert (citation.verdict, citation.passage_id) == ("supported", used[0].pk)


async def test_a_cell_that_was_looked_up_is_told_by_the_model_from_nothing_else(answered):
    answer, engine = await answered("How many hours was visit V-1?")
    prompt = engine.prompts[0][0].text
    line = "Computed from the table “visits”: Hours where Visit is “V-1” = 4."
    assert line in prompt
    assert "Row 1" not in prompt and "[2]" not in prompt
    assert (answer.stop_reason, answer.text) == ("stop", "It lasted 4 hours [1].")


async def test_the_receipt_holds_plan_sql_and_rows(answered):
    answer, _ = await answered()
    body = json.loads((await Receipt.objects.aget(answer=answer)).body)
    how = body["passages"][0]["computation"]
    assert (how["result"], how["numbers"]) == (["3"], [1, 3, 4])
    assert how["sql"].startswith("SELECT count(*) FROM")
    assert how["rows"][0] == [1, "V-1", "Bremen", "4"]


async def test_no_key_passage_repeats_it_and_a_looked_up_cell_keeps_one(answered, alice, client):
    answer, _ = await answered()
    assert "Key passage" not in await shown(answer, alice, client)
    looked_up, _ = await answered("How many hours was visit V-1?")
    assert "Key passage" in await shown(looked_up, alice, client)


async def shown(answer, person, client):
    await in_thread(client.force_login)(person)
    page = await in_thread(client.get)(reverse("chat:answer", args=[answer.pk]))
    return page.content.decode()


async def test_its_receipt_says_what_it_rests_on_and_speaks_of_no_prompt(answered, auditor, client):
    answer, _ = await answered()
    await in_thread(client.force_login)(auditor)
    page = await in_thread(client.get)(reverse("chat:receipt", args=[answer.pk]))
    told = page.content.decode()
    assert "What the answer rests on" in told and "Passages in the prompt" not in told
    assert "How it was computed" in told and "SELECT count(*)" in told
    assert "computed the result from the rows of a table" in told


async def test_its_source_shows_how_and_opens_the_rows(answered, alice, client):
    answer, _ = await answered()
    passage = await answer.passages.aget(marker=1)
    await in_thread(client.force_login)(alice)
    page = await in_thread(client.get)(
        reverse("chat:passage", args=[passage.pk]), headers={"HX-Request": "true"}
    )
    shown = page.content.decode()
    assert "number of rows where Town is “Bremen”" in shown and "SELECT count(*)" in shown
    assert f"/documents/{passage.version_id}/?table=0&amp;rows=1,3,4#row-1" in shown


async def test_who_lost_the_right_sees_nothing_of_it(answered, alice, client, collection):
    answer, _ = await answered()
    passage = await answer.passages.aget(marker=1)
    await in_thread(collection.readers.clear)()
    await in_thread(collection.managers.clear)()
    await in_thread(client.force_login)(alice)
    page = await in_thread(client.get)(reverse("chat:passage", args=[passage.pk]))
    shown = page.content.decode()
    assert "Bremen" not in shown.replace(QUESTION, "") and "SELECT" not in shown
