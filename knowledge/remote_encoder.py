"""An encoder served elsewhere: any server that speaks OpenAI's `/v1/embeddings`.

Small batches, patient with a server that is busy, and strict about what comes back: as many
vectors as texts, in their order, of one length, all finite. Knows HTTP and JSON; no database.
"""

import hashlib
import random
import time
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urldefrag

import httpx
import numpy as np
from numpy import float32
from numpy.typing import NDArray

from knowledge.embedding import EncoderSpec
from knowledge.encoder_sources import BUSY, key_of
from knowledge.errors import EncoderRefused, EncoderUnavailable

PROBE = "Every pump is tested before it leaves the factory."
BATCH_SIZE = 64
# Characters in one request: servers bound the tokens of a batch, too.
BATCH_CHARS = 100_000
BYTES_PER_TOKEN = 4
MAX_TOKENS = 512
ATTEMPTS = 5
# Seconds before the second attempt; doubles each time unless the server says how long.
RETRY_AFTER = 0.5
LONGEST_PAUSE = 60.0
SECONDS = 60.0


def load_remote_encoder(spec: EncoderSpec) -> "RemoteEncoder":
    """Asks the server for one vector, and so learns its dimensions."""
    url, model = urldefrag(spec.source)
    if not model:
        raise EncoderRefused(f"Write the model behind the address: {url}#model-name")
    return RemoteEncoder(url, model, spec, api_key=key_of(url))


class RemoteEncoder:
    """An encoder behind `url`, such as `https://host/v1`."""

    def __init__(self, url: str, model: str, spec: EncoderSpec, *, api_key: str = "") -> None:
        self.name, self._url, self._spec = model, url.rstrip("/"), spec
        self.query_prompt = spec.query_prompt or ""
        self.document_prompt = spec.document_prompt or ""
        prompts = (self.query_prompt, self.document_prompt)
        options = repr((self._url, prompts, spec.dimensions, spec.is_normalised))
        self.revision = hashlib.sha256(options.encode()).hexdigest()[:16]
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._client = httpx.Client(headers=headers, timeout=httpx.Timeout(SECONDS, connect=5))
        self.dimensions = 0
        self.probe = self._encode([PROBE], attempts=3)[0]
        self.dimensions = len(self.probe)
        self.limit = spec.max_tokens or MAX_TOKENS
        self.max_tokens = self.limit - sum(self.count_tokens(prompts[1:]))

    def encode_passages(self, texts: Sequence[str]) -> NDArray[float32]:
        """Vectors of stored texts, shape (len(texts), dimensions)."""
        if not texts:
            return np.zeros((0, self.dimensions), dtype=float32)
        batches = _batches([self.document_prompt + text for text in texts])
        return np.concatenate([self._encode(batch, attempts=ATTEMPTS) for batch in batches])

    def encode_query(self, text: str) -> NDArray[float32]:
        """Vector of one query, shape (dimensions,); a person waits, so it gives up sooner."""
        return np.asarray(self._encode([self.query_prompt + text], attempts=2)[0], dtype=float32)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """An estimate: how the server counts is not known here."""
        return [-(-len(text.encode("utf-8", "replace")) // BYTES_PER_TOKEN) for text in texts]

    def _encode(self, texts: Sequence[str], *, attempts: int) -> NDArray[float32]:
        body: dict[str, Any] = {"model": self.name, "input": list(texts)}
        body["encoding_format"] = "float"
        if self._spec.dimensions:
            body["dimensions"] = self._spec.dimensions
        vectors = _vectors(self._ask(body, attempts), len(texts))
        expected = self.dimensions or self._spec.dimensions
        if expected and vectors.shape[1] != expected:
            raise EncoderUnavailable(
                f"The encoder server answered with {vectors.shape[1]} dimensions instead of "
                f"{expected}: does it serve another model now?"
            )
        if not self._spec.is_normalised:
            return vectors
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=float32)

    def _ask(self, body: dict[str, Any], attempts: int) -> Any:
        """The server's answer; asks again while it is only busy or away."""
        for attempt in range(1, attempts + 1):
            try:
                response = self._client.post(f"{self._url}/embeddings", json=body)
            except httpx.TransportError as error:
                reason, pause = type(error).__name__, _pause(attempt)
            else:
                if response.status_code == httpx.codes.OK:
                    return _json(response)
                if response.status_code < 500 and response.status_code not in BUSY:
                    raise _refusal(response.status_code)
                reason = f"status {response.status_code}"
                pause = _pause(attempt, response.headers.get("Retry-After", ""))
            if attempt < attempts:
                time.sleep(pause)
        raise EncoderUnavailable(
            f"The encoder server does not answer ({reason}). Is it running, and reachable from "
            "here? It is asked again by itself."
        )


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    """Neighbours together, within the limits of one request."""
    batch: list[str] = []
    size = 0
    for text in texts:
        if batch and (len(batch) == BATCH_SIZE or size + len(text) > BATCH_CHARS):
            yield batch
            batch, size = [], 0
        batch.append(text)
        size += len(text)
    yield batch


def _pause(attempt: int, wish: str = "") -> float:
    """Seconds until the next attempt: the server's wish, else longer each time, not in step."""
    if wish.strip().isdigit():
        return min(float(wish), LONGEST_PAUSE)
    longer = RETRY_AFTER * float(2 ** (attempt - 1))
    return min(longer * random.uniform(0.8, 1.2), LONGEST_PAUSE)


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError as error:
        raise _unreadable() from error


def _vectors(answer: Any, count: int) -> NDArray[float32]:
    """The vectors in the order of the texts, shape (count, dimensions)."""
    try:
        items = {int(item["index"]): item["embedding"] for item in answer["data"]}
        vectors = np.array([items[index] for index in range(count)], dtype=float32)
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable() from error
    if vectors.ndim != 2 or not np.isfinite(vectors).all() or not vectors.any(axis=1).all():
        raise _unreadable()
    return vectors


def _unreadable() -> EncoderUnavailable:
    return EncoderUnavailable(
        "The encoder server sent something else than one vector of numbers per text."
    )


def _refusal(status: int) -> EncoderRefused:
    if status in (401, 403):
        return EncoderRefused(
            "The encoder server refused the key. Check KNOWLEDGE_ENCODER_SERVERS."
        )
    if status == 404:
        return EncoderRefused(
            "The encoder server does not know this model, or the address does not end in /v1."
        )
    return EncoderRefused(f"The encoder server refused the texts (status {status}).")
