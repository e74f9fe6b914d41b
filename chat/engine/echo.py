"""Answers without a model: quotes the first sentence of the first passage, word by word.

For load tests and for work on everything around the model. The same prompt always gets the same
answer, and every sign in the prompt counts as it would for a real engine: its length, its limit.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence

from chat.engine import AdapterRef, EngineError, Fingerprint, Message, Piece, Prompt, Sampling

FIRST_PASSAGE = re.compile(r"^\[1\][^\n]*\n(.+?)(?=\n\n|\Z)", re.MULTILINE | re.DOTALL)
SENTENCE_END = re.compile(r"(?<=[.!?])\s")
TOKEN = re.compile(r"\w+|[^\w\s]")


class EchoEngine:
    """An `Engine` that waits `delay` seconds before every word."""

    fingerprint = Fingerprint(
        base_model="echo", weights="none", tokenizer="words", template="lines", engine="echo"
    )

    def __init__(self, *, delay: float = 0.02, context_limit: int = 4096) -> None:
        self.delay, self.context_limit = delay, context_limit
        self._adapters: dict[str, None] = {}
        self._closed = False

    @property
    def is_alive(self) -> bool:
        """Until it is closed."""
        return not self._closed

    def render(self, messages: Sequence[Message]) -> Prompt:
        """One line per role and content; words count as tokens."""
        text = "\n".join(f"{m['role']}: {m['content']}" for m in messages)
        return Prompt(tuple(messages), text, tuple(range(self.count_tokens(text))))

    def count_tokens(self, text: str) -> int:
        """Words and signs."""
        return len(TOKEN.findall(text))

    async def stream(
        self, prompt: Prompt, sampling: Sampling, *, adapter: AdapterRef | None = None
    ) -> AsyncIterator[Piece]:
        """The quoted sentence with its marker, or the question back when there is no passage."""
        if len(prompt.token_ids) + sampling.max_tokens > self.context_limit:
            raise EngineError("prompt_too_long", "The prompt is too long. Shorten the question.")
        if adapter:
            self._adapters[adapter.name] = None
        words = re.findall(r"\s*\S+", _quote(prompt).removeprefix(_begun(prompt)))
        for word in words[: sampling.max_tokens]:
            await asyncio.sleep(self.delay)
            if self._closed:
                raise EngineError("engine_stopped", "The engine was stopped. Ask again.")
            yield Piece(word, 1)
        yield Piece("", 0, "length" if len(words) > sampling.max_tokens else "stop")

    def adapters(self) -> list[str]:
        """Names of the adapters that were asked for."""
        return list(self._adapters)

    def close(self) -> None:
        """Ends streams under way at their next word."""
        self._closed = True


def _quote(prompt: Prompt) -> str:
    content = next((m["content"] for m in reversed(prompt.messages) if m["role"] == "user"), "")
    if passage := FIRST_PASSAGE.search(content):
        return f"{SENTENCE_END.split(passage.group(1).strip())[0]} [1]"
    return f"You asked: {content.strip()}"


def _begun(prompt: Prompt) -> str:
    last = prompt.messages[-1]
    return last["content"] if last["role"] == "assistant" else ""
