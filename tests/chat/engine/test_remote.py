"""Against a real HTTP server that speaks the protocol, and misbehaves when told to."""

import asyncio
import json
import threading
from contextlib import aclosing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from chat.engine import AdapterRef, EngineError, Sampling, get_engine
from chat.engine import remote as module

ASK = [{"role": "user", "content": "What is a pump?"}]


class ModelServer(ThreadingHTTPServer):
    """Plays one script per request: words, a number for an HTTP status, or what to do instead."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.scripts, self.bodies, self.keys = [], [], []
        self.hung_up, self.go_on = threading.Event(), threading.Event()


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.bodies.append(json.loads(body))
        self.server.keys.append(self.headers.get("Authorization"))
        status, *script = self.server.scripts.pop(0)
        self.send_response(status)
        self.end_headers()
        if status != 200:
            self.wfile.write(script[0].encode() if script else b"no")
            return
        try:
            for step in script:
                self.play(step)
        except (BrokenPipeError, ConnectionResetError):
            self.server.hung_up.set()

    def play(self, step):
        if step == "WAIT":
            self.server.go_on.wait()
        elif step == "FOREVER":
            while True:
                self.say({"delta": {"content": "on "}})
        elif step == "RAW":
            self.wfile.write(b"data: {broken\n\n")
        elif step in ("stop", "length"):
            self.say({"delta": {}, "finish_reason": step})
            self.wfile.write(b"data: [DONE]\n\n")
        elif step == "ERROR":
            self.wfile.write(b'data: {"error": {"message": "out of memory"}}\n\n')
        else:
            self.say({"delta": {"content": step}})

    def say(self, choice):
        self.wfile.write(f"data: {json.dumps({'choices': [choice]})}\n\n".encode())
        self.wfile.flush()

    def log_message(self, *args):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(module, "RETRY_AFTER", 0.01)
    server = ModelServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.go_on.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def engine(server):
    url = f"http://127.0.0.1:{server.server_port}/v1"
    return get_engine("remote", base_model="phi", url=url, api_key="secret", context_limit=200)


async def answer(engine, adapter=None, **sampling):
    sampling = Sampling(**({"max_tokens": 50} | sampling))
    return [p async for p in engine.stream(engine.render(ASK), sampling, adapter=adapter)]


async def failure(engine):
    with pytest.raises(EngineError) as failed:
        await answer(engine)
    return failed.value.code


async def test_the_words_of_the_server_come_as_pieces(server, engine):
    server.scripts = [(200, "A ", "machine – ", "世界", "stop")]
    pieces = await answer(engine, temperature=0.5, top_p=0.9, top_k=3, seed=4)
    assert [p.text for p in pieces] == ["A ", "machine – ", "世界", ""]
    assert pieces[-1].stop_reason == "stop"
    sent = server.bodies[0]
    assert (sent["model"], sent["messages"], sent["stream"]) == ("phi", ASK, True)
    assert (sent["temperature"], sent["top_p"], sent["top_k"]) == (0.5, 0.9, 3)
    assert (sent["seed"], sent["max_tokens"]) == (4, 50)
    assert server.keys == ["Bearer secret"]


async def test_pieces_come_while_the_server_still_speaks(server, engine):
    server.scripts = [(200, "first ", "WAIT", "second", "length")]
    stream = engine.stream(engine.render(ASK), Sampling(max_tokens=50))
    assert (await anext(stream)).text == "first "
    server.go_on.set()
    assert [(p.text, p.stop_reason) async for p in stream] == [("second", None), ("", "length")]


async def test_an_adapter_is_the_name_of_a_model_there(server, engine, tmp_path):
    server.scripts = [(200, "yes", "stop")]
    await answer(engine, adapter=AdapterRef("fern", tmp_path))
    assert server.bodies[0]["model"] == "fern"
    assert engine.adapters() == ["fern"]


async def test_a_failure_before_the_first_word_is_tried_again(server, engine):
    server.scripts = [(500,), (503,), (200, "at last", "stop")]
    assert [p.text for p in await answer(engine)] == ["at last", ""]
    assert len(server.bodies) == 3


async def test_a_server_that_keeps_failing_is_given_up(server, engine):
    server.scripts = [(500,), (429,), (500,), (200, "too late", "stop")]
    assert await failure(engine) == "engine_failed"
    assert len(server.bodies) == 3


@pytest.mark.parametrize("cut", [(), ("RAW",), ("ERROR",)])
async def test_an_answer_that_breaks_off_is_never_begun_again(server, engine, cut):
    server.scripts = [(200, "half an ", *cut), (200, "other answer", "stop")]
    said = []
    with pytest.raises(EngineError) as failed:
        async for piece in engine.stream(engine.render(ASK), Sampling(max_tokens=50)):
            said.append(piece.text)
    assert (said, failed.value.code) == (["half an "], "engine_failed")
    assert len(server.bodies) == 1


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (404, "no such model", "adapter_refused"),
        (401, "who are you", "engine_failed"),
        (400, "maximum context length is 100 tokens", "prompt_too_long"),
        (400, "bad request", "engine_failed"),
    ],
)
async def test_refusals_are_told_apart_and_not_repeated(server, engine, status, body, code):
    server.scripts = [(status, body)]
    assert await failure(engine) == code
    assert len(server.bodies) == 1


async def test_leaving_hangs_up(server, engine):
    server.scripts = [(200, "FOREVER")]
    stream = engine.stream(engine.render(ASK), Sampling(max_tokens=50))
    async with aclosing(stream):
        async for _ in stream:
            break
    assert await asyncio.to_thread(server.hung_up.wait, 10)


async def test_closing_ends_streams(server, engine):
    server.scripts = [(200, "FOREVER")]
    stream = engine.stream(engine.render(ASK), Sampling(max_tokens=50))
    await anext(stream)
    engine.close()
    with pytest.raises(EngineError) as ended:
        async for _ in stream:
            pass
    assert ended.value.code == "engine_stopped"


async def test_no_server_at_all(engine, server):
    server.shutdown()
    server.server_close()
    assert await failure(engine) == "engine_failed"


async def test_a_prompt_that_cannot_fit_is_not_even_sent(server, engine):
    long = engine.render([{"role": "user", "content": "pump " * 200}])
    with pytest.raises(EngineError) as refused:
        await anext(engine.stream(long, Sampling(max_tokens=50)))
    assert refused.value.code == "prompt_too_long"
    assert server.bodies == []


def test_one_engine_serves_one_event_loop_after_another(server, engine):
    server.scripts = [(200, "one", "stop"), (200, "two", "stop")]
    for word in ("one", "two"):
        assert asyncio.run(answer(engine))[0].text == word
