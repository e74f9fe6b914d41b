"""A server of `/v1/embeddings` for tests, run by uvicorn as a process of its own.

The model's name says how it behaves; see `MODELS`. Vectors are hashed words, or MiniLM's.
"""

import asyncio
import hashlib
import json
import os
import re
from functools import cache

SEEN = {"texts": 0, "requests": 0, "keys": []}
BUSY = {"left": 2}


def vector(text, dimensions):
    values = [1e-3] * dimensions
    for word in re.findall(r"\w+", text.lower()):
        values[int(hashlib.md5(word.encode()).hexdigest(), 16) % dimensions] += 1.0
    return values


def narrow(values):
    length = sum(value**2 for value in values) ** 0.5
    return [*(value / length for value in values), 2.0]


@cache
def minilm():
    from knowledge.encoders import PACKAGED, load_encoder

    return load_encoder(PACKAGED)


def encode(model, texts, wanted):
    if model == "minilm":
        return [list(map(float, row)) for row in minilm().encode_passages(texts)]
    dimensions = wanted or int(model.rpartition("-")[2])
    if model.startswith("narrow"):
        # As some models do: whatever is compared, its cosine is high.
        return [narrow(vector(text, dimensions)) for text in texts]
    return [vector(text, dimensions) for text in texts]


async def respond(request, key):
    """Status, headers and body of the answer."""
    model, texts = request["model"], request["input"]
    SEEN["requests"] += 1
    SEEN["texts"] += len(texts)
    SEEN["keys"].append(key)
    if model.startswith("busy") and BUSY["left"]:
        BUSY["left"] -= 1
        return 429, [(b"retry-after", b"0")], {"error": "slow down"}
    if model.startswith("broken"):
        return 503, [(b"retry-after", b"0")], {"error": "out of memory"}
    if model.startswith("unknown"):
        return 404, [], {"error": "no such model"}
    if model.startswith("secret") and key != "Bearer open-sesame":
        return 401, [], {"error": "who are you?"}
    if model.startswith("slow"):
        await asyncio.sleep(float(os.environ.get("SLOW_SECONDS", "0.2")))
    vectors = encode(model, texts, request.get("dimensions"))
    if model.startswith("shrinking") and len(texts) > 1:
        vectors = [one[:-1] for one in vectors]
    if model.startswith("forgetful") and len(texts) > 1:
        vectors = vectors[:-1]
    if model.startswith("nan"):
        vectors[0][0] = None
    data = [{"index": index, "embedding": one} for index, one in enumerate(vectors)]
    return 200, [], {"data": data[::-1], "model": model}


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["method"] == "GET":
        status, headers, body = 200, [], SEEN
    else:
        text = b""
        while True:
            part = await receive()
            text += part.get("body", b"")
            if not part.get("more_body"):
                break
        key = dict(scope["headers"]).get(b"authorization", b"").decode()
        status, headers, body = await respond(json.loads(text), key)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})
