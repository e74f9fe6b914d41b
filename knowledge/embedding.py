"""The encoder behind one door: texts in, vectors out.

Knows no document and no database; implementations that need a model library load it on first use.
"""

from collections.abc import Sequence
from functools import cache
from typing import Protocol

from django.conf import settings
from numpy import float32
from numpy.typing import NDArray


class TextEncoder(Protocol):
    """Turns texts into vectors of unit length."""

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


@cache
def get_encoder() -> TextEncoder:
    """The configured encoder, loaded once a process."""
    from knowledge.encoders import load_encoder

    return load_encoder(settings.KNOWLEDGE_ENCODER)
