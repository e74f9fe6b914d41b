"""The language model behind one door: what the answer pipeline may ask of any engine.

Knows no question, no passage and no database; a prompt goes in, pieces of text come out.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, TypedDict

EngineKind = Literal["phi3", "remote", "echo"]
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

    def __post_init__(self) -> None:
        if not 0 <= self.temperature <= 10 or not 0 < self.top_p <= 1:
            raise ValueError("temperature must be from 0 to 10 and top_p above 0 and up to 1")
        if self.top_k < 0 or self.max_tokens < 1:
            raise ValueError("top_k can't be negative and max_tokens must be 1 at least")


@dataclass(frozen=True)
class AdapterRef:
    """LoRA weights that a request asks for: a unique name and the folder that holds them."""

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
    """What exactly answers: hashes of weights, tokenizer and template, and the engine's kind."""

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

    @property
    def is_alive(self) -> bool:
        """False once the engine can't answer any more; only a new one helps then."""
        ...

    def render(self, messages: Sequence[Message]) -> Prompt:
        """Applies the chat template; role tokens inside contents stay plain text.

        A last message of the assistant is the beginning of the answer, to be gone on with.
        """
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


def get_engine(kind: EngineKind, *, base_model: str = "", **options: Any) -> Engine:
    """Starts an engine; returns when it can answer.

    `phi3` takes a model folder or hub id and the options of `Phi3Engine`, `remote` the name of a
    model that a server at `url` serves and the options of `RemoteEngine`, `echo` needs neither.
    """
    if kind == "phi3":
        from chat.engine.phi3 import Phi3Engine

        return Phi3Engine(base_model, **options)
    if kind == "remote":
        from chat.engine.remote import RemoteEngine

        return RemoteEngine(base_model, **options)
    if kind == "echo":
        from chat.engine.echo import EchoEngine

        return EchoEngine(**options)
    raise EngineError("engine_unknown", f"There is no engine {kind!r}: say phi3, remote or echo.")
