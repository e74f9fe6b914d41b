"""What was computed from a table, on its way through an answer: prompt, source, receipt, rights."""

import asyncio
import json

import pytest
from django.core.files.base import ContentFile
from django.urls import reverse

from chat.answering import answer as write_answer
from chat.leases import claim_waiting
from chat.models import Answer, Receipt
from chat.threads import in_thread
from knowledge.ingestion import ingest
from knowledge.uploads import upload_document
from tests.fakes import ScriptedEngine

pytestmark = pytest.mark.django_db(transaction=True)

VISITS = "Visit,Town,Hours\nV-1,Bremen,4\nV-2,Kiel,2\nV-3,Bremen,5\nV-4,Bremen,1\n"
QUESTION = "How many visits were in Bremen?"
SAID = "Computed from the table “visits”: number of rows where Town is “Bremen” = 3."


@pytest.fixture
def visits(encoder, collection, curator, chunks):
    file = ContentFile(VISITS.encode(), name="visits.csv")
    version = upload_document(collection, file, actor=curator)
    ingest(str(version.pk))
    return version


@pytest.fixture
def answered(visits, alice, ask_as, valkey):
    """The answer to the question, and the engine that wrote it."""

    async def answered():
        await in_thread(ask_as)(alice, QUESTION)
        (claim,) = await in_thread(claim_waiting)("w1", 1)
        engine = ScriptedEngine(["There were 3 visits in Bremen [1]."])
        await write_answer(claim, engine, valkey=valkey, stop=asyncio.Event())
        return await Answer.objects.aget(pk=claim.answer_id), engine

    return answered


async def test_it_stands_first_in_the_prompt_and_is_the_key_passage(answered):
    answer, engine = await answered()
    first = await answer.passages.aget(marker=1)
    assert (answer.status, answer.is_abstention) == ("complete", False)
    assert (first.kind, first.is_used, first.key_words) == ("computed", True, SAID)
    assert f"[1] {first.document_title}\n{SAID}" in engine.prompts[0][0].text


async def test_the_receipt_holds_plan_sql_and_rows(answered):
    answer, _ = await answered()
    body = json.loads((await Receipt.objects.aget(answer=answer)).body)
    how = body["passages"][0]["computation"]
    assert (how["result"], how["numbers"]) == (["3"], [1, 3, 4])
    assert how["sql"].startswith("SELECT count(*) FROM")
    assert how["rows"][0] == [1, "V-1", "Bremen", "4"]


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
