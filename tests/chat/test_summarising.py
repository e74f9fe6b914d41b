"""Summaries in the engine's words: only what stands in the text, and only while nobody asks."""

import asyncio

import pytest

from chat.engine import EngineError
from chat.summarising import summarise_next
from chat.threads import in_thread
from knowledge.models import Chunk
from tests.chat.conftest import add_document
from tests.chat.test_worker import leave, working
from tests.fakes import ScriptedEngine

pytestmark = pytest.mark.django_db(transaction=True)

EXTRACT = "Heron pumps are serviced every 6 months by the team in Ruhlau. Grease keeps seals soft."
GOOD = (
    "The handbook tells that Heron pumps are serviced every 6 months. The team in Ruhlau does it."
)


@pytest.fixture
def summary(encoder, collection):
    (chunk,) = add_document(collection, "Service handbook", [EXTRACT], kind="summary")
    return chunk


async def retold(engine, summary, skipped=None):
    """The summary's text after the engine was asked."""
    assert await summarise_next(engine, set() if skipped is None else skipped)
    await summary.arefresh_from_db()
    return summary.text


async def test_a_summary_that_rests_on_its_text_is_taken(summary):
    engine = ScriptedEngine([GOOD, " And the next one is not"])
    assert await retold(engine, summary) == GOOD
    assert EXTRACT in engine.prompts[0][0].messages[1]["content"]
    assert not await summarise_next(engine, set())


@pytest.mark.parametrize(
    "said",
    [
        "",
        "Pumps.",
        "The handbook tells that Heron pumps are serviced every 9 months by the team there.",
        "The handbook tells that Osprey pumps are serviced often by the team that is there.",
        "Heron pumps are serviced by the team. " * 12,
    ],
)
async def test_one_that_invents_or_says_nothing_is_not(summary, said):
    skipped = set()
    assert await retold(ScriptedEngine([said]), summary, skipped) == EXTRACT
    assert not await summarise_next(ScriptedEngine([GOOD]), skipped)


async def test_an_engine_that_fails_leaves_the_sentences(summary, caplog):
    class Failing(ScriptedEngine):
        async def stream(self, prompt, sampling, *, adapter=None):
            raise EngineError("engine_failed", "The engine failed.")
            yield

    assert await retold(Failing(), summary) == EXTRACT
    assert "The engine failed." in caplog.text


@pytest.mark.parametrize(("how", "expected"), [("engine", GOOD), ("extractive", EXTRACT)])
async def test_a_worker_retells_while_nobody_asks_if_it_is_told_to(
    summary, settings, monkeypatch, how, expected
):
    settings.KNOWLEDGE_SUMMARIES = how
    looked = asyncio.Event()

    async def look(engine, skipped):
        found = await summarise_next(engine, skipped)
        looked.set()
        return found

    monkeypatch.setattr("chat.worker.summarise_next", look)
    worker, task = await working(ScriptedEngine([GOOD]))
    if how == "engine":
        await asyncio.wait_for(looked.wait(), 20)
    await leave(worker, task)
    assert looked.is_set() == (how == "engine")
    assert (await in_thread(Chunk.objects.get)(pk=summary.pk)).text == expected
