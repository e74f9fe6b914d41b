import asyncio
import threading
from contextlib import aclosing

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from chat.engine import AdapterRef, EngineError, Sampling, get_engine
from chat.engine.batch import SaltedCache
from tests.chat.engine.conftest import edit_json, make_base

QUESTIONS = ("What is a pump?", "Who may order gaskets?", "Name the valve.", "How long is leave?")
CONTEXT = "The seal of the pump is replaced by the service team every two years. " * 3


def ask(text):
    return [{"role": "system", "content": "Brief."}, {"role": "user", "content": text}]


async def collect(engine, prompt, *, adapter=None, **sampling):
    """All pieces of one answer."""
    return [p async for p in engine.stream(prompt, Sampling(**sampling), adapter=adapter)]


async def tokens_of(engine, prompt, adapter=None, **sampling):
    """The token ids of an answer, as the batch delivers them."""
    uid = 0 if adapter is None else engine._enter(adapter)
    request, inbox = engine._batch.submit(prompt.token_ids, uid, Sampling(**sampling))
    while not (result := await inbox.results.get()).is_finished():
        pass
    engine._batch.leave(request, is_finished=True)
    return result.generated_tokens


def make_jobs(engine, adapters):
    """Sixteen prompts in turn; every text is asked of the base and of both adapters."""
    texts = [*QUESTIONS, *(CONTEXT + question for question in QUESTIONS)]
    named = [None, *adapters]
    return [
        (engine.render(ask(texts[i % len(texts)])), named[(i + i // 8) % 3], 12 + i % 5)
        for i in range(16)
    ]


def alone(base, jobs):
    """What peft's own generate answers to each job by itself."""
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32).eval()
    answers = []
    for prompt, adapter, count in jobs:
        used = PeftModel.from_pretrained(model, adapter.folder) if adapter else model
        ids = torch.tensor([prompt.token_ids])
        with torch.inference_mode():
            out = used.generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=count,
                do_sample=False,
            )
        answers.append(out[0, ids.shape[1] :].tolist())
        if adapter:
            model = used.unload()
    return answers


async def answer_all(engine, jobs):
    for adapter in {job[1] for job in jobs} - {None}:
        engine._load(adapter)
    waiting = (tokens_of(engine, p, a, max_tokens=n) for p, a, n in jobs)
    return await asyncio.gather(*waiting)


@pytest.fixture
def adapters(fern, moss):
    return [AdapterRef("fern", fern), AdapterRef("moss", moss)]


async def test_sixteen_mixed_answers_equal_each_alone(engine, base, adapters):
    jobs = make_jobs(engine, adapters)
    expected = alone(base, jobs)
    assert len({tuple(answer) for answer in expected}) > 8
    assert await answer_all(engine, jobs) == expected
    assert await answer_all(engine, jobs) == expected  # now with blocks from the prefix cache


async def test_without_the_salt_adapters_would_read_each_others_keys(
    engine, base, adapters, monkeypatch
):
    monkeypatch.setattr(SaltedCache, "_salt", lambda self, request, tokens: list(tokens))
    jobs = make_jobs(engine, adapters)
    await answer_all(engine, jobs)
    assert await answer_all(engine, jobs) != alone(base, jobs)


async def test_answers_stay_right_when_the_cache_is_too_small(start, base, adapters):
    engine = start(limits={"cache_tokens": 1024})
    jobs = make_jobs(engine, adapters)
    assert await answer_all(engine, jobs) == alone(base, jobs)


async def test_sliding_window_models_answer_as_alone(start, tmp_path):
    folder = make_base(tmp_path / "sliding", sliding_window=24)
    engine = start(folder)
    jobs = make_jobs(engine, [None, None])
    assert await answer_all(engine, jobs) == alone(folder, jobs)
    assert await answer_all(engine, jobs) == alone(folder, jobs)


async def test_a_stream_says_what_the_tokens_say(engine):
    prompt = engine.render(ask(QUESTIONS[0]))
    pieces = await collect(engine, prompt, max_tokens=20)
    ids = await tokens_of(engine, prompt, max_tokens=20)
    text = engine._tokenizer.decode(ids, skip_special_tokens=True)
    assert "".join(piece.text for piece in pieces) == text.rstrip("\ufffd")
    assert sum(piece.tokens for piece in pieces) == len(ids)
    assert [piece.stop_reason for piece in pieces[:-1]] == [None] * (len(pieces) - 1)
    assert pieces[-1].stop_reason == "length"


async def test_every_stop_token_of_the_generation_config_ends_an_answer(start, base, tmp_path):
    first = start()
    prompt = first.render(ask(QUESTIONS[1]))
    ids = await tokens_of(first, prompt, max_tokens=20)
    wanted = next(i for i in range(3, 20) if ids[i] not in ids[:i])
    folder = make_base(tmp_path / "stopping")
    edit_json(folder / "generation_config.json", eos_token_id=[260, ids[wanted]])
    engine = start(folder)
    pieces = await collect(engine, engine.render(ask(QUESTIONS[1])), max_tokens=20)
    assert sum(piece.tokens for piece in pieces) == wanted + 1
    assert pieces[-1].stop_reason == "stop"
    assert engine._stop_ids >= {256, 257, 259, 260}


async def test_leaving_an_answer_frees_its_place(start):
    engine = start(limits={"streams": 1})
    prompt = engine.render(ask(QUESTIONS[0]))
    async with aclosing(engine.stream(prompt, Sampling(max_tokens=800))) as stream:
        async for _ in stream:
            break
    assert engine.active == 0
    # With one place, the next answer begins only because the first has given its place back.
    step = engine._batch._manager.current_batch
    await collect(engine, prompt, max_tokens=3)
    assert engine._batch._manager.current_batch - step < 20


async def test_cancelling_the_task_frees_the_place_too(engine):
    prompt = engine.render(ask(QUESTIONS[0]))
    begun = asyncio.Event()

    async def read():
        async for _ in engine.stream(prompt, Sampling(max_tokens=800)):
            begun.set()

    task = asyncio.create_task(read())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert engine.active == 0
    assert (await collect(engine, prompt, max_tokens=2))[-1].stop_reason == "length"


async def test_a_prompt_that_cannot_fit_is_refused_at_once(engine):
    long = engine.render(ask("pump " * 220))
    with pytest.raises(EngineError) as refusal:
        await collect(engine, long, max_tokens=10)
    assert refusal.value.code == "prompt_too_long"
    fitting = engine.render(ask("pump " * 100))
    room = engine.context_limit - len(fitting.token_ids)
    with pytest.raises(EngineError):
        await collect(engine, fitting, max_tokens=room + 1)
    assert engine.active == 0


async def test_a_seed_draws_the_same_in_any_company(engine):
    prompt = engine.render(ask(QUESTIONS[2]))
    warm = {"temperature": 1.2, "top_p": 0.95, "max_tokens": 24}
    lonely = await tokens_of(engine, prompt, seed=7, **warm)
    crowd = await asyncio.gather(*(tokens_of(engine, prompt, seed=s, **warm) for s in range(12)))
    assert crowd[7] == lonely
    assert len({tuple(answer) for answer in crowd}) == 12


async def test_greedy_and_sampled_answers_share_a_batch(engine):
    prompt = engine.render(ask(QUESTIONS[3]))
    greedy = await tokens_of(engine, prompt, max_tokens=16)
    mixed = await asyncio.gather(
        tokens_of(engine, prompt, max_tokens=16),
        tokens_of(engine, prompt, max_tokens=16, temperature=2.0, seed=1),
        tokens_of(engine, prompt, max_tokens=16, temperature=2.0, top_k=1, seed=1),
    )
    assert mixed[0] == mixed[2] == greedy != mixed[1]


async def test_adapters_come_when_asked_for_and_the_idle_ones_go(start, fern, moss):
    engine = start(max_adapters=1)
    prompt = engine.render(ask(QUESTIONS[0]))
    first, second = AdapterRef("fern", fern), AdapterRef("moss", moss)
    before = await collect(engine, prompt, adapter=first, max_tokens=8)
    assert engine.adapters() == ["fern"]
    await collect(engine, prompt, adapter=second, max_tokens=8)
    assert engine.adapters() == ["moss"]
    assert await collect(engine, prompt, adapter=first, max_tokens=8) == before


async def test_an_adapter_waits_until_a_place_is_free(start, fern, moss):
    engine = start(max_adapters=1)
    prompt = engine.render(ask(QUESTIONS[0]))
    names = [AdapterRef("fern", fern), AdapterRef("moss", moss)] * 3
    answers = await asyncio.gather(
        *(collect(engine, prompt, adapter=name, max_tokens=30) for name in names)
    )
    assert all(pieces[-1].stop_reason for pieces in answers)
    assert answers[0] == answers[2] != answers[1]


async def test_a_refused_adapter_harms_nobody_else(engine, fern, tmp_path):
    prompt = engine.render(ask(QUESTIONS[0]))
    with pytest.raises(EngineError) as refusal:
        await collect(engine, prompt, adapter=AdapterRef("gone", tmp_path / "gone"))
    assert refusal.value.code == "adapter_refused"
    assert engine.adapters() == []
    assert engine.is_alive
    await collect(engine, prompt, adapter=AdapterRef("fern", fern), max_tokens=2)


async def test_several_event_loops_are_served_at_once(engine):
    prompt = engine.render(ask(QUESTIONS[0]))
    expected = await collect(engine, prompt, max_tokens=20)
    found = []

    def run():
        found.append(asyncio.run(collect(engine, prompt, max_tokens=20)))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    mine = await collect(engine, prompt, max_tokens=20)
    for thread in threads:
        await asyncio.to_thread(thread.join)
    assert found == [expected] * 3
    assert mine == expected


@pytest.fixture
def broken(engine, monkeypatch):
    """From now on every step raises."""

    def fail(*args, **kwargs):
        raise MemoryError("no memory left for this step")

    return lambda: monkeypatch.setattr(engine._bank, "route", fail)


async def test_a_failing_step_ends_every_stream_and_marks_the_engine(engine, broken):
    prompt = engine.render(ask(QUESTIONS[0]))
    streams = [engine.stream(prompt, Sampling(max_tokens=800)) for _ in range(3)]
    for stream in streams:
        await anext(stream)
    broken()
    for stream in streams:
        with pytest.raises(EngineError) as failure:
            async for _ in stream:
                pass
        assert failure.value.code == "engine_failed"
        assert "memory" not in str(failure.value)
    await asyncio.to_thread(engine._batch._manager._generation_thread.join)
    assert not engine.is_alive
    with pytest.raises(EngineError) as failure:
        await collect(engine, prompt)
    assert failure.value.code == "engine_failed"


async def test_a_stuck_step_is_noticed(start, monkeypatch):
    engine = start(limits={"patience": 0.3})
    release = threading.Event()
    monkeypatch.setattr(engine._bank, "route", lambda *a: release.wait())
    try:
        with pytest.raises(EngineError) as failure:
            await collect(engine, engine.render(ask(QUESTIONS[0])))
        assert failure.value.code == "engine_failed"
        assert not engine.is_alive
    finally:
        release.set()


async def test_closing_ends_streams_under_way(engine):
    stream = engine.stream(engine.render(ask(QUESTIONS[0])), Sampling(max_tokens=800))
    await anext(stream)
    await asyncio.to_thread(engine.close)
    with pytest.raises(EngineError) as failure:
        async for _ in stream:
            pass
    assert failure.value.code == "engine_stopped"
    with pytest.raises(EngineError) as failure:
        await collect(engine, engine.render(ask(QUESTIONS[0])))
    assert failure.value.code == "engine_stopped"


def test_the_factory_starts_it_by_name(base):
    engine = get_engine("phi3", base_model=str(base), max_adapters=2)
    assert engine.is_alive
    assert engine.fingerprint.base_model == "tiny"
    engine.close()


def test_an_unknown_kind_is_refused():
    with pytest.raises(EngineError):
        get_engine("gpt")


async def test_a_quantised_base_serves_adapters_too(start, fern):
    engine = start(quantisation="nf4")
    assert engine.fingerprint.versions["quantisation"] == "nf4"
    prompt = engine.render(ask(QUESTIONS[0]))
    plain, with_adapter = await asyncio.gather(
        collect(engine, prompt, max_tokens=12),
        collect(engine, prompt, adapter=AdapterRef("fern", fern), max_tokens=12),
    )
    assert plain != with_adapter
    assert await collect(engine, prompt, max_tokens=12) == plain
