import asyncio

import pytest

from chat.engine import AdapterRef, EngineError, Sampling, get_engine
from chat.prompts import PromptPassage, build_messages

PASSAGES = [
    PromptPassage(1, "Pump manual", "Check the seal every month. Replace it yearly.", page=3),
    PromptPassage(2, "Price list", "A seal costs 12 euros."),
]


@pytest.fixture
def engine():
    return get_engine("echo", delay=0)


async def answer(engine, messages, **options):
    prompt = engine.render(messages)
    adapter = options.pop("adapter", None)
    return [p async for p in engine.stream(prompt, Sampling(**options), adapter=adapter)]


async def test_it_quotes_the_first_sentence_of_the_first_passage(engine):
    pieces = await answer(engine, build_messages("When?", passages=PASSAGES, nonce="n7"))
    assert "".join(piece.text for piece in pieces) == "Check the seal every month. [1]"
    assert pieces[-1].stop_reason == "stop"
    assert sum(piece.tokens for piece in pieces) == 6


async def test_without_passages_it_gives_the_question_back(engine):
    pieces = await answer(engine, build_messages("When is lunch?"))
    assert "".join(piece.text for piece in pieces) == "You asked: When is lunch?"


async def test_it_keeps_to_the_limits(engine):
    cut = await answer(engine, build_messages("When is lunch?"), max_tokens=2)
    assert ("".join(p.text for p in cut), cut[-1].stop_reason) == ("You asked:", "length")
    engine.context_limit = 10
    with pytest.raises(EngineError) as refused:
        await answer(engine, build_messages("When is lunch?"))
    assert refused.value.code == "prompt_too_long"


async def test_it_names_the_adapters_it_was_asked_for(engine, tmp_path):
    await answer(engine, build_messages("When?"), adapter=AdapterRef("fern", tmp_path))
    assert engine.adapters() == ["fern"]


async def test_closing_ends_streams(engine):
    stream = engine.stream(engine.render(build_messages("When is lunch?")), Sampling())
    await anext(stream)
    engine.close()
    with pytest.raises(EngineError) as ended:
        await anext(stream)
    assert ended.value.code == "engine_stopped"
    assert not engine.is_alive


async def test_many_streams_run_side_by_side(engine):
    messages = build_messages("When?", passages=PASSAGES)
    answers = await asyncio.gather(*(answer(engine, messages) for _ in range(20)))
    assert all(pieces == answers[0] for pieces in answers)
