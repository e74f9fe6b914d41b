"""A model served elsewhere: any server that speaks OpenAI's chat protocol (vLLM, llama.cpp, …).

An adapter is the name of a model there. Retries only while nothing has been said yet: a sentence
must not begin twice. Knows HTTP and JSON; no weights, no tokenizer.
"""

import asyncio
import json
import weakref
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx

from chat.engine import AdapterRef, EngineError, Fingerprint, Message, Piece, Prompt, Sampling

# Bytes of text per token, on the safe side: how the server counts is not known here.
BYTES_PER_TOKEN = 3
TOKENS_PER_MESSAGE = 8
RETRY_AFTER = 0.5


class RemoteEngine:
    """An `Engine` behind `url`, such as `http://127.0.0.1:8080/v1`."""

    def __init__(
        self,
        base_model: str,
        *,
        url: str,
        api_key: str = "",
        context_limit: int = 4096,
        timeout: float = 60.0,
        attempts: int = 3,
    ) -> None:
        self.fingerprint = Fingerprint(
            base_model=base_model,
            weights="unknown",
            tokenizer="unknown",
            template="unknown",
            engine=f"remote {url}",
        )
        self.context_limit = context_limit
        self._model, self._attempts = base_model, attempts
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._url, self._timeout = url.rstrip("/"), httpx.Timeout(timeout, connect=5)
        # A client belongs to the event loop that opened its connections.
        self._clients: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, httpx.AsyncClient] = (
            weakref.WeakKeyDictionary()
        )
        self._adapters: dict[str, None] = {}
        self._closed = False

    @property
    def is_alive(self) -> bool:
        """Until it is closed; whether the server lives shows when it is asked."""
        return not self._closed

    def render(self, messages: Sequence[Message]) -> Prompt:
        """The messages as they are sent; the template is the server's, so there are no ids."""
        text = json.dumps(list(messages), ensure_ascii=False, indent=1)
        return Prompt(tuple(messages), text, ())

    def count_tokens(self, text: str) -> int:
        """An estimate, rather too high than too low."""
        return -(-len(text.encode("utf-8", "replace")) // BYTES_PER_TOKEN)

    async def stream(
        self, prompt: Prompt, sampling: Sampling, *, adapter: AdapterRef | None = None
    ) -> AsyncIterator[Piece]:
        """Yields pieces as the server sends them; leaving the iteration closes the connection."""
        self._check_length(prompt, sampling)
        body = self._body(prompt, sampling, adapter)
        for attempt in range(1, self._attempts + 1):
            has_begun = False
            try:
                async for piece in self._attempt(body):
                    has_begun = True
                    yield piece
                if adapter:
                    self._adapters[adapter.name] = None
                return
            except (_Retryable, httpx.TransportError) as error:
                if has_begun or attempt == self._attempts or self._closed:
                    raise self._failure(error) from error
            await asyncio.sleep(RETRY_AFTER * attempt)

    def adapters(self) -> list[str]:
        """Names of the adapters that the server has answered with."""
        return list(self._adapters)

    def close(self) -> None:
        """Ends streams under way with EngineError `engine_stopped`."""
        self._closed = True

    def _check_length(self, prompt: Prompt, sampling: Sampling) -> None:
        counts = (self.count_tokens(m["content"]) + TOKENS_PER_MESSAGE for m in prompt.messages)
        if sum(counts) + sampling.max_tokens > self.context_limit:
            raise _too_long()

    def _body(
        self, prompt: Prompt, sampling: Sampling, adapter: AdapterRef | None
    ) -> dict[str, Any]:
        body = {
            "model": adapter.name if adapter else self._model,
            "messages": list(prompt.messages),
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "max_tokens": sampling.max_tokens,
            "seed": sampling.seed,
            "stream": True,
        }
        if prompt.messages[-1]["role"] == "assistant":
            # vLLM's words for going on with what was begun; llama.cpp and Ollama do so unasked.
            body |= {"continue_final_message": True, "add_generation_prompt": False}
        return body | ({"top_k": sampling.top_k} if sampling.top_k else {})

    async def _attempt(self, body: dict[str, Any]) -> AsyncIterator[Piece]:
        request = self._client().stream("POST", f"{self._url}/chat/completions", json=body)
        async with request as response:
            if response.status_code != httpx.codes.OK:
                raise _refusal(response.status_code, (await response.aread()).decode("utf-8"))
            async for line in response.aiter_lines():
                if self._closed:
                    raise _Retryable("closed")
                if not line.startswith("data:") or line == "data: [DONE]":
                    continue
                piece = _piece(line.removeprefix("data:"))
                if piece.text or piece.stop_reason:
                    yield piece
                if piece.stop_reason:
                    return
        raise _Retryable("the answer ended without a reason")

    def _client(self) -> httpx.AsyncClient:
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            self._clients[loop] = httpx.AsyncClient(headers=self._headers, timeout=self._timeout)
        return self._clients[loop]

    def _failure(self, error: Exception) -> EngineError:
        if self._closed:
            return EngineError("engine_stopped", "The engine was stopped. Ask again in a moment.")
        return EngineError(
            "engine_failed", f"The model server did not answer ({error}). Ask again."
        )


class _Retryable(Exception):
    """The server failed in a way that may pass."""


def _too_long() -> EngineError:
    return EngineError(
        "prompt_too_long",
        "The prompt is longer than the model server accepts. Shorten the question, or use fewer "
        "or shorter passages.",
    )


def _refusal(status: int, body: str) -> Exception:
    if status >= 500 or status in (408, 429):
        return _Retryable(f"status {status}")
    if status == 400 and "context" in body.lower():
        return _too_long()
    if status == 404:
        return EngineError("adapter_refused", "The model server does not serve this model.")
    if status in (401, 403):
        return EngineError("engine_failed", "The model server refused our key. Check the setting.")
    return EngineError("engine_failed", f"The model server refused the prompt (status {status}).")


def _piece(data: str) -> Piece:
    try:
        event = json.loads(data)
        if "error" in event:
            raise _Retryable("the server reported an error")
        choices = event.get("choices") or [{}]
        text = (choices[0].get("delta") or {}).get("content") or ""
        reason = choices[0].get("finish_reason")
    except (ValueError, AttributeError, TypeError, KeyError) as error:
        raise _Retryable("the server sent something unreadable") from error
    if reason is None:
        return Piece(str(text), int(bool(text)))
    return Piece(str(text), int(bool(text)), "length" if reason == "length" else "stop")
