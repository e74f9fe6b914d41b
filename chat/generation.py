"""The model's text on its way to readers: piece by piece, block by block, until it ends or is
stopped.

The open block goes out as text, a finished one as HTML. About once a second the text so far is
flushed to its row. Knows the engine only as a stream of pieces.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from time import monotonic

from chat.asking import UNSTORABLE
from chat.drafts import Draft, LeaseLost
from chat.engine import AdapterRef, Engine, Piece
from chat.events import Event
from chat.rendering import render_markdown
from chat.stream import AnswerStream
from chat.threads import in_thread

FLUSH_EVERY = 1.0
# A model that never ends is ended here, whatever its tokens hold.
LONGEST_TEXT = 100_000
# A small model may say the same for ever: it is ended when it has said it this often.
TURNS = 3
SHORTEST_LOOP, LONGEST_LOOP = 24, 300
BLANK_LINE = re.compile(r"\n[ \t]*\n+")
FENCE = re.compile(r"(?m)^\s{0,3}(?:```|~~~)")


async def generate(
    draft: Draft,
    engine: Engine,
    log: AnswerStream,
    *,
    adapter: AdapterRef | None,
    stop: asyncio.Event,
) -> None:
    """Fills the draft's text; returns when the model ends, is stopped, or has said too much."""
    assert draft.prompt is not None
    blocks, flushed = Blocks(), monotonic()
    for event in blocks.add(draft.opening):
        await log.append(event)
    draft.text = draft.opening
    stream = engine.stream(draft.prompt, draft.sampling, adapter=adapter)
    async with aclosing(_until(stream, stop)) as pieces:
        async for piece in pieces:
            text = UNSTORABLE.sub("", piece.text)[: LONGEST_TEXT - len(draft.text)]
            if text and not draft.tokens:
                draft.lap("first_token")
            draft.text += text
            draft.tokens += piece.tokens
            draft.stop_reason = piece.stop_reason or draft.stop_reason
            for event in blocks.add(text):
                await log.append(event)
            if monotonic() - flushed >= FLUSH_EVERY:
                await in_thread(flush)(draft)
                flushed = monotonic()
            if len(draft.text) >= LONGEST_TEXT:
                draft.stop_reason = "length"
                break
            if repeated := loop_length(draft.text):
                draft.text = draft.text[:-repeated].rstrip()
                draft.stop_reason = "repetition"
                break
    draft.stop_reason = draft.stop_reason or "cancelled"
    draft.lap("generated")


def loop_length(text: str) -> int:
    """Characters at the end that only repeat what stands before them, once a loop is certain."""
    tail = text[-TURNS * LONGEST_LOOP :]
    for size in range(SHORTEST_LOOP, len(tail) // TURNS + 1):
        if tail.endswith(tail[-size:] * TURNS):
            return size * (TURNS - 1)
    return 0


def flush(draft: Draft) -> None:
    """The text so far to its row; raises LeaseLost when another attempt has taken over."""
    if not draft.claim.rows().update(text=draft.text):
        raise LeaseLost


async def _until(stream: AsyncIterator[Piece], stop: asyncio.Event) -> AsyncGenerator[Piece, None]:
    """The stream's pieces until `stop` is set, even while the next one is awaited."""
    stopping = asyncio.ensure_future(stop.wait())
    step: asyncio.Future[Piece | None] | None = None
    try:
        while not stop.is_set():
            step = asyncio.ensure_future(anext(stream, None))
            await asyncio.wait({step, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not step.done():
                return
            piece = step.result()
            if piece is None:
                return
            yield piece
    finally:
        stopping.cancel()
        if step is not None:
            step.cancel()
            await asyncio.gather(step, return_exceptions=True)
        await stream.aclose()  # type: ignore[attr-defined]  # frees the slot in the batch


class Blocks:
    """Cuts growing Markdown at blank lines outside code; says what to send for each piece."""

    def __init__(self) -> None:
        self._open, self._sent = "", 0

    def add(self, text: str) -> Iterator[Event]:
        """Events for a further piece of text."""
        self._open += text
        while cut := self._end_of_block():
            yield from self._rest(cut.start())
            yield Event(type="block", html=render_markdown(self._open[: cut.start()]))
            self._open, self._sent = self._open[cut.end() :], 0
        yield from self._rest(len(self._open))

    def _rest(self, end: int) -> Iterator[Event]:
        if end > self._sent:
            yield Event(type="text", text=self._open[self._sent : end])
            self._sent = end

    def _end_of_block(self) -> re.Match[str] | None:
        """The first blank line that follows words and stands in no code block."""
        self._open = self._open.lstrip("\n") if not self._sent else self._open
        for cut in BLANK_LINE.finditer(self._open):
            if len(FENCE.findall(self._open, 0, cut.start())) % 2 == 0:
                return cut
        return None
