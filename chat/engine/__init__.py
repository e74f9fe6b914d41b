"""The language model behind one door: what the answer pipeline may ask of any engine.

Knows no question, no passage and no database; a prompt goes in, pieces of text come out.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, TypedDict

StopReason = Literal["stop", "length", "cancelled"]


class Message(TypedDict):
    """One turn of a prompt, as chat templates expect it."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class Sampling:
    """How the next token is chosen; temperature 0 is greedy."""

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    max_tokens: int = 256
    seed: int = 0


@dataclass(frozen=True)
class AdapterRef:
    """LoRA weights that a request asks for: a unique name and the verified folder that holds them."""

    name: str
    folder: Path


@dataclass(frozen=True)
class Prompt:
    """A rendered prompt: the exact text and token ids that the model sees."""

    messages: Sequence[Message]
    text: str
    token_ids: tuple[int, ...]


@dataclass(frozen=True)
class Piece:
    """A piece of an answer. `stop_reason` is set on the last one, whose text may be empty."""

    text: str
    tokens: int = 0
    stop_reason: StopReason | None = None


@dataclass(frozen=True)
class Fingerprint:
    """What exactly answers: hashes of weights, tokenizer and template, and the engine around them."""

    base_model: str
    weights: str
    tokenizer: str
    template: str
    engine: str
    versions: dict[str, str] = field(default_factory=dict)
    is_demo: bool = False

    @property
    def base(self) -> str:
        """The part that an adapter must match, as one short string."""
        return f"{self.weights[:16]}-{self.tokenizer[:16]}-{self.template[:16]}"


class EngineError(Exception):
    """The engine can't do what was asked; `code` is stable, the message is for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Engine(Protocol):
    """A language model that answers many prompts at the same time in one shared batch."""

    fingerprint: Fingerprint
    # Tokens that prompt and answer may have together.
    context_limit: int

    def render(self, messages: Sequence[Message]) -> Prompt:
        """Applies the chat template; role tokens inside contents stay plain text."""
        ...

    def count_tokens(self, text: str) -> int:
        """Tokens of a plain text, without any template."""
        ...

    def stream(
        self, prompt: Prompt, sampling: Sampling, *, adapter: AdapterRef | None = None
    ) -> AsyncIterator[Piece]:
        """Yields pieces until one carries a stop reason; leaving the iteration frees the slot.

        Raises EngineError: `prompt_too_long`, `adapter_refused`, `engine_stopped`, `engine_failed`.
        """
        ...

    def adapters(self) -> list[str]:
        """Names of the adapters in memory."""
        ...

    def close(self) -> None:
        """Frees the model; streams under way end with EngineError `engine_stopped`."""
        ...
