"""The one shared batch: requests join and leave at any step, each with its adapter and settings.

Built over the continuous batching of transformers, which schedules, pages the cache and runs the
model in a thread of its own. What it lacks is added here: prefix blocks kept apart by adapter,
results for any number of event loops, and the certainty that no stream waits for a dead loop.
Knows token ids, adapter uids and numbers; no text, no folders.
"""

import asyncio
import copy
import itertools
import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers import ContinuousBatchingConfig, GenerationConfig
from transformers.generation.continuous_batching.cache import PagedAttentionCache
from transformers.generation.continuous_batching.continuous_api import OutputRouter
from transformers.generation.continuous_batching.requests import GenerationOutput, RequestState

from chat.engine import EngineError, Sampling
from chat.engine.attention import NAME as EACH_REQUEST
from chat.engine.lanes import Lanes, Turn
from chat.engine.lora import LoraBank
from chat.engine.sampling import RequestSampling
from chat.engine.weights import LoadedBase

logger = logging.getLogger(__name__)

PAGE = 32


@dataclass(frozen=True)
class BatchLimits:
    """How much one batch holds."""

    # Requests that are answered at the same time; more wait their turn.
    streams: int = 16
    # Tokens per step: larger prefills faster, smaller lets running answers wait less.
    step_tokens: int = 512
    # Tokens whose keys and values are kept; None takes what memory suggests.
    cache_tokens: int | None = None
    # Seconds without a finished step after which the loop counts as stuck.
    patience: float = 120.0


@dataclass
class Inbox:
    """Where one request's results arrive, in the event loop that waits for them."""

    uid: int
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    results: asyncio.Queue[GenerationOutput | EngineError] = field(default_factory=asyncio.Queue)

    def put(self, result: GenerationOutput | EngineError) -> None:
        """From any thread; a loop that is closed already has nobody waiting."""
        try:
            self.loop.call_soon_threadsafe(self.results.put_nowait, result)
        except RuntimeError:
            logger.info("a result came too late for its event loop")


class SharedBatch:
    """Owns the model and the loop that runs it."""

    def __init__(self, base: LoadedBase, bank: LoraBank, limits: BatchLimits) -> None:
        self._bank, self._limits = bank, limits
        self._numbers = itertools.count()
        self._inboxes: dict[str, Inbox] = {}
        self._dead = ""
        self._stopping = threading.Event()
        self._lanes: Lanes | None = None
        self._manager = self._make_manager(base)
        self.capacity = self._manager.batch_processor.cache.max_tokens_read
        # A thread that is not ours to join must not keep a crashed process alive.
        loop = threading.Thread(target=self._manager._run_generation_loop, daemon=True)
        self._manager._generation_thread = loop
        loop.start()
        threading.Thread(target=self._watch, daemon=True).start()

    @property
    def is_alive(self) -> bool:
        """Whether a request that is submitted now will be answered."""
        return not self._dead and self._manager.is_running()

    @property
    def active(self) -> int:
        """Requests that wait or run."""
        return len(self._inboxes)

    def submit(self, token_ids: Sequence[int], uid: int, sampling: Sampling) -> tuple[str, Inbox]:
        """Adds a request; its results come to the inbox. Call from the loop that will read it."""
        request, inbox = f"{uid}:{next(self._numbers)}", Inbox(uid)
        self._inboxes[request] = inbox
        accepted = self._manager.add_request(
            list(token_ids),
            request,
            sampling.max_tokens,
            streaming=True,
            temperature=float(sampling.temperature),
            top_p=float(sampling.top_p),
            top_k=int(sampling.top_k),
            seed=int(sampling.seed) & 0x7FFFFFFF,
        )
        if accepted is None or self._dead:
            self._inboxes.pop(request, None)
            raise self._ended()
        return request, inbox

    def leave(self, request: str, *, is_finished: bool) -> None:
        """Ends a request; an unfinished one gives back its place at the next step."""
        self._inboxes.pop(request, None)
        if not is_finished:
            self._manager.cancel_request(request)

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Holds the loop between two steps, so that the model may be changed."""
        try:
            held = self._manager.pause()
            held.__enter__()
        except RuntimeError as error:
            raise self._ended() from error
        try:
            yield
        finally:
            held.__exit__(None, None, None)

    def stop(self) -> None:
        """Ends the loop and every stream under way."""
        self._fail("engine_stopped")
        if self._manager.is_running():
            self._manager.stop(block=True, timeout=5, hard_stop=True)

    def _make_manager(self, base: LoadedBase) -> Any:
        model, on_cpu = base.model, base.model.device.type == "cpu"
        cache_tokens = self._limits.cache_tokens or (_cache_tokens(base) if on_cpu else None)
        manager = model.init_continuous_batching(
            generation_config=GenerationConfig(
                do_sample=False, eos_token_id=sorted(base.stop_ids), pad_token_id=0
            ),
            continuous_batching_config=ContinuousBatchingConfig(
                page_size=PAGE,
                num_blocks=cache_tokens and -(-cache_tokens // PAGE),
                max_batch_tokens=self._limits.step_tokens,
                max_requests_per_batch=self._limits.streams,
                # Sliding layers overwrite their blocks: nothing in them can be shared.
                allow_block_sharing=model.config.sliding_window is None,
                # The bank's hooks and routes run in Python, for each batch anew.
                use_cuda_graph=False,
                use_async_batching=False,
            ),
        )
        if on_cpu:
            model.set_attn_implementation(EACH_REQUEST)
        manager.logit_processor = RequestSampling(self._route)
        manager.output_router = _Router(self._inboxes)
        with torch.no_grad():
            manager.warmup()  # makes the cache, before the thread starts
        manager.batch_processor.cache.__class__ = SaltedCache
        if on_cpu and model.config.sliding_window is None:
            self._lanes = manager.batch_processor.cache.lanes = _make_lanes(base, self._limits)
        manager.current_batch = 0
        return manager

    def _route(self, requests: Sequence[Any]) -> None:
        uids = [uid_of(request.state.request_id) for request in requests]
        self._bank.route(uids, [request.query_length for request in requests])
        if self._lanes:
            self._lanes.prepare([_turn(request) for request in requests])

    def _watch(self) -> None:
        """Ends every stream when the loop has died or stands still with work to do."""
        step, since = -1, time.monotonic()
        while not self._stopping.wait(min(1.0, self._limits.patience / 4)):
            if not self._manager.is_running():
                return self._fail("engine_failed")
            if step != self._manager.current_batch or not self._inboxes:
                step, since = self._manager.current_batch, time.monotonic()
            elif time.monotonic() - since > self._limits.patience:
                logger.error("no step finished in %s s: giving up", self._limits.patience)
                return self._fail("engine_failed")

    def _fail(self, code: str) -> None:
        self._dead = self._dead or code
        self._stopping.set()
        for inbox in list(self._inboxes.values()):
            inbox.put(self._ended())

    def _ended(self) -> EngineError:
        if self._dead == "engine_stopped":
            return EngineError(self._dead, "The engine was stopped. Ask again in a moment.")
        self._dead = self._dead or "engine_failed"
        return EngineError(self._dead, "The engine failed and must be restarted. Ask again then.")


class SaltedCache(PagedAttentionCache):  # type: ignore[misc]
    """A prefix cache keyed by adapter and tokens: keys and values differ from adapter to adapter.

    Block hashes are chained, so salting the first tokens salts every block of a request.
    """

    def search_prefix_match(self, request_id: str, prompt_ids: list[int]) -> int:
        """Finds only blocks that were computed under the request's own adapter."""
        return int(super().search_prefix_match(request_id, self._salt(request_id, prompt_ids)))

    def mark_complete_blocks(self, state: RequestState, complete_blocks: dict[str, int]) -> None:
        """Registers blocks under the request's adapter."""
        if complete_blocks:
            state = copy.copy(state)
            state.initial_tokens = self._salt(state.request_id, state.initial_tokens)
        super().mark_complete_blocks(state, complete_blocks)

    def _salt(self, request_id: str, tokens: list[int]) -> list[int]:
        # Tokens are hashed as int32, so a large uid is spread over two of them.
        vocabulary = self.config.vocab_size
        high, low = divmod(uid_of(request_id), 2**31 // vocabulary - 1)
        first, second = tokens[:1], tokens[1:2]
        salted = [first[0] + low * vocabulary, *(token + high * vocabulary for token in second)]
        return [*salted, *tokens[2:]]


class _Router(OutputRouter):  # type: ignore[misc]
    """Brings results to their inboxes; nobody waits for those of a cancelled request."""

    def __init__(self, inboxes: dict[str, Inbox]) -> None:
        super().__init__()
        self._inboxes = inboxes

    def deliver(self, output: GenerationOutput) -> None:
        """One result, from the loop's thread."""
        if inbox := self._inboxes.get(output.request_id):
            inbox.put(output)

    def deliver_batch(self, outputs: list[GenerationOutput]) -> None:
        """The results of one step."""
        for output in outputs:
            self.deliver(output)


def uid_of(request: str) -> int:
    """The adapter's uid out of a request id; the manager's own requests count as base."""
    head = request.partition(":")[0]
    return int(head) if head.isdigit() else 0


def _turn(request: Any) -> Turn:
    state = request.state
    return Turn(state.request_id, state.position_offset, request.query_length)


def _make_lanes(base: LoadedBase, limits: BatchLimits) -> Lanes:
    config = base.model.config
    return Lanes(
        layers=config.num_hidden_layers,
        heads=config.num_key_value_heads,
        width=config.hidden_size // config.num_attention_heads,
        count=limits.streams,
        dtype=base.model.dtype,
    )


def _cache_tokens(base: LoadedBase) -> int:
    """A quarter of the memory at most, and no more than sixteen long conversations need."""
    config = base.model.config
    width = config.hidden_size // config.num_attention_heads
    per_token = 2 * config.num_hidden_layers * config.num_key_value_heads * width
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    affordable = memory // 4 // (per_token * base.model.dtype.itemsize)
    return int(max(2048, min(32768, affordable)))
