"""The engine's rewriting of a follow-up is believed as far as it rests on what was asked."""

import asyncio

import pytest

from chat.engine import EngineError
from chat.followups import standalone
from chat.rewriting import stand_alone
from tests.fakes import ScriptedEngine

EARLIER = "What is the warranty period of Heron pumps?"
FOLLOW_UP = "And for the Osprey?"


def rewritten(pieces, question=FOLLOW_UP, earlier=EARLIER, *, stop=False, engine=None):
    """The text to search with, and the engine that was asked for it."""
    engine, stopping = engine or ScriptedEngine(pieces), asyncio.Event()
    if stop:
        stopping.set()
    return asyncio.run(stand_alone(question, earlier, engine, stop=stopping)), engine


@pytest.mark.parametrize(
    "pieces",
    [
        ["What is the warranty ", "period of Osprey pumps?"],
        ['  "What is the warranty period of Osprey pumps?"  ', "\nThe warranty is 2 years."],
        ["Rewritten question: What is the warranty period of Osprey pumps?"],
    ],
)
def test_a_good_rewriting_is_searched_with(pieces):
    found, engine = rewritten(pieces)
    assert found == "What is the warranty period of Osprey pumps?"
    assert engine.closed_streams == 1
    asked = engine.prompts[0][0].messages[1]["content"]
    assert EARLIER in asked
    assert FOLLOW_UP in asked


@pytest.mark.parametrize(
    "said",
    [
        "",
        "What is the warranty period of Heron pumps?",
        "What is the warranty period of the Osprey P-500?",
        "Is the warranty of the Osprey 24 months?",
        "What is the warranty period of the Osprey in Iceland?",
        "Osprey eagles hunt fish by warranty diving steeply into cold lakes near forests.",
        "And for the Osprey?",
        "warranty Osprey " * 40,
    ],
)
def test_a_rewriting_that_forgets_or_invents_gives_way_to_the_rules(said):
    assert rewritten([said])[0] == standalone(FOLLOW_UP, EARLIER)


@pytest.mark.parametrize(
    ("question", "earlier"),
    [(FOLLOW_UP, None), ("What is the price of the Osprey impeller?", EARLIER)],
)
def test_a_question_of_its_own_is_not_shown_to_the_engine(question, earlier):
    found, engine = rewritten(["Something else?"], question, earlier)
    assert (found, engine.prompts) == (question, [])


def test_an_engine_that_fails_leaves_it_to_the_rules(caplog):
    class Failing(ScriptedEngine):
        async def stream(self, prompt, sampling, *, adapter=None):
            raise EngineError("engine_failed", "The engine failed.")
            yield

    assert rewritten([], engine=Failing())[0] == standalone(FOLLOW_UP, EARLIER)
    assert "The engine failed." in caplog.text


def test_an_engine_that_is_too_slow_leaves_it_to_the_rules(monkeypatch):
    async def never(piece):
        await asyncio.Event().wait()

    monkeypatch.setattr("chat.rewriting.PATIENCE", 0.01)
    engine = ScriptedEngine(["What is the warranty period of Osprey pumps?"], never)
    assert rewritten([], engine=engine)[0] == standalone(FOLLOW_UP, EARLIER)
    assert engine.closed_streams == 1


def test_a_stop_is_heard_while_it_rewrites():
    pieces = ["What is the warranty period", " of Osprey pumps?"]
    assert rewritten(pieces, stop=True)[0] == standalone(FOLLOW_UP, EARLIER)
