"""The encoder behind one door: texts in, vectors out.

Knows no document; implementations that need a model library load it on first use.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

# The web process knows which encoders there are, and loads nothing of what they need.
if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

_loading = threading.Lock()


class TextEncoder(Protocol):
    """Turns texts into vectors, of unit length unless its registration says otherwise."""

    name: str
    revision: str
    dimensions: int
    # Longest text, in the encoder's own tokens, that is not cut.
    max_tokens: int

    def encode_passages(self, texts: Sequence[str]) -> NDArray[float32]:
        """Vectors of stored texts, shape (len(texts), dimensions)."""
        ...

    def encode_query(self, text: str) -> NDArray[float32]:
        """Vector of one query, shape (dimensions,)."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, special tokens not counted."""
        ...


@dataclass(frozen=True)
class EncoderSpec:
    """What makes an encoder the one it is: each field may change its vectors."""

    # "packaged-minilm", a folder, a hub id with or without @revision, or https://server/v1#model
    source: str
    # None is what the model itself says, "" is none.
    query_prompt: str | None = None
    document_prompt: str | None = None
    # None is the model's own number; fewer are its first ones (Matryoshka models).
    dimensions: int | None = None
    is_normalised: bool = True
    # None is what the model itself says; a server does not say.
    max_tokens: int | None = None

    @property
    def is_remote(self) -> bool:
        """Whether a server encodes."""
        return self.source.startswith(("http://", "https://"))


def get_encoder() -> TextEncoder:
    """The encoder that is searched with now; its model is loaded once a process."""
    from knowledge.registry import open_active

    return open_active()


def open_encoder(spec: EncoderSpec) -> TextEncoder:
    """The encoder of a specification. Raises EncoderRefused or EncoderUnavailable."""
    with _loading:
        return _open(spec)


@lru_cache(maxsize=3)
def _open(spec: EncoderSpec) -> TextEncoder:
    """Three at most stay in memory: the active one, the next, and one that is going."""
    if spec.is_remote:
        from knowledge.remote_encoder import load_remote_encoder

        return load_remote_encoder(spec)
    from knowledge.errors import EncoderUnavailable

    try:
        from knowledge.encoders import load_encoder

        return load_encoder(spec)
    except (OSError, ValueError) as error:
        raise EncoderUnavailable(str(error)) from error
