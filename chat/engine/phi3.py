"""Phi-3 in this process: base model and LoRA adapters, answering many prompts in one batch.

Joins the parts: weights from disk, the adapters in their bank, the shared batch, and text on both
ends. Knows no question and no document; whoever asks names an adapter by its folder.
"""

import asyncio
import itertools
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers.generation.continuous_batching.requests import GenerationOutput

from chat.engine import AdapterRef, EngineError, Message, Piece, Prompt, Sampling
from chat.engine.batch import BatchLimits, Inbox, SharedBatch
from chat.engine.lora import LoraBank, read_adapter
from chat.engine.rendering import PromptRenderer, TextStream
from chat.engine.weights import load_base

# How often a request looks whether an adapter's place has become free.
LOOK_AGAIN = 0.05


@dataclass
class _Held:
    """An adapter in memory and how many requests use it."""

    uid: int
    users: int = 0


class Phi3Engine:
    """An `Engine` over transformers. Streams may run in several tasks and event loops at once."""

    def __init__(
        self,
        base_model: str | Path,
        *,
        dtype: torch.dtype | None = None,
        device: str | None = None,
        quantisation: str | None = None,
        limits: BatchLimits | None = None,
        max_adapters: int = 8,
        max_rank: int = 64,
    ) -> None:
        base = load_base(base_model, dtype=dtype, device=device, quantisation=quantisation)
        self.fingerprint = base.fingerprint
        self._tokenizer, self._stop_ids = base.tokenizer, base.stop_ids
        self._renderer = PromptRenderer(base.tokenizer, base.stop_ids)
        self._bank = LoraBank(base.model)
        self._batch = SharedBatch(base, self._bank, limits or BatchLimits())
        self.context_limit = min(base.context_limit, self._batch.capacity)
        self._max_adapters, self._max_rank = max_adapters, max_rank
        self._uids = itertools.count(1)  # never reused: the prefix cache still knows old ones
        self._held: OrderedDict[AdapterRef, _Held] = OrderedDict()
        self._lock, self._loading = threading.Lock(), threading.Lock()

    @property
    def is_alive(self) -> bool:
        """False once the generation loop has died; only a new process helps then."""
        return self._batch.is_alive

    @property
    def active(self) -> int:
        """Requests that wait or are being answered."""
        return self._batch.active

    def render(self, messages: Sequence[Message]) -> Prompt:
        """Applies the chat template; role tokens inside contents stay plain text."""
        return self._renderer.render(messages)

    def count_tokens(self, text: str) -> int:
        """Tokens of a plain text, without any template."""
        return self._renderer.count(text)

    def adapters(self) -> list[str]:
        """Names of the adapters in memory, the least recently used first."""
        with self._lock:
            return [ref.name for ref in self._held]

    async def stream(
        self, prompt: Prompt, sampling: Sampling, *, adapter: AdapterRef | None = None
    ) -> AsyncIterator[Piece]:
        """Yields pieces until one carries a stop reason; leaving the iteration frees the slot."""
        self._check_length(prompt, sampling)
        async with self._using(adapter) as uid:
            request, inbox = self._batch.submit(prompt.token_ids, uid, sampling)
            finished = False
            try:
                async for piece in self._pieces(inbox):
                    finished = piece.stop_reason is not None
                    yield piece
            finally:
                self._batch.leave(request, is_finished=finished)

    def close(self) -> None:
        """Frees the model; streams under way end with EngineError `engine_stopped`."""
        self._batch.stop()
        self._bank.close()

    async def _pieces(self, inbox: Inbox) -> AsyncIterator[Piece]:
        text, sent, finished = TextStream(self._tokenizer, self._renderer.special_ids), 0, False
        while not finished:
            result = await inbox.results.get()
            if isinstance(result, EngineError):
                raise result
            finished = _is_finished(result)
            tokens = result.generated_tokens[sent:]
            sent += len(tokens)
            new = text.add(tokens, is_last=finished)
            if finished:
                stopped = bool(tokens) and tokens[-1] in self._stop_ids
                yield Piece(new, len(tokens), "stop" if stopped else "length")
            elif tokens:
                yield Piece(new, len(tokens))

    def _check_length(self, prompt: Prompt, sampling: Sampling) -> None:
        wanted = len(prompt.token_ids) + sampling.max_tokens
        if wanted > self.context_limit:
            raise EngineError(
                "prompt_too_long",
                f"The prompt has {len(prompt.token_ids)} tokens; with an answer of "
                f"{sampling.max_tokens} that is more than the {self.context_limit} this model "
                "can hold. Shorten the question, or use fewer or shorter passages.",
            )

    @asynccontextmanager
    async def _using(self, adapter: AdapterRef | None) -> AsyncIterator[int]:
        """Keeps the adapter in memory while it is used; loads it first if it must."""
        if adapter is None:
            yield 0
            return
        while (uid := self._enter(adapter)) is None:
            if not await asyncio.to_thread(self._load, adapter):
                await asyncio.sleep(LOOK_AGAIN)
        try:
            yield uid
        finally:
            with self._lock:
                self._held[adapter].users -= 1

    def _enter(self, adapter: AdapterRef) -> int | None:
        with self._lock:
            if held := self._held.get(adapter):
                held.users += 1
                self._held.move_to_end(adapter)
            return held.uid if held else None

    def _load(self, adapter: AdapterRef) -> bool:
        """Brings an adapter to memory; False when all places are taken by running answers."""
        with self._loading:
            if adapter in self._held:
                return True
            weights = read_adapter(
                adapter.folder,
                base=self.fingerprint.base,
                shapes=self._bank.shapes,
                max_rank=self._max_rank,
            )
            if not self._make_room():
                return False
            uid = next(self._uids)
            with self._batch.pause():
                self._bank.put(uid, weights)
            with self._lock:
                self._held[adapter] = _Held(uid)
            return True

    def _make_room(self) -> bool:
        """Unloads the adapter that has been idle longest, if there are too many."""
        with self._lock:
            if len(self._held) < self._max_adapters:
                return True
            idle = next((ref for ref, held in self._held.items() if not held.users), None)
            held = self._held.pop(idle) if idle else None
        if held:
            with self._batch.pause():
                self._bank.drop(held.uid)
        return held is not None


def _is_finished(result: GenerationOutput) -> bool:
    if result.error is not None:
        raise EngineError("engine_failed", "The engine failed and must be restarted. Ask again.")
    return bool(result.is_finished())
