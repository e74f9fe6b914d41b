"""What a likeness means under another encoder, so that “0.3” keeps its meaning after a switch.

Both encoders compare sentences of the base's own passages with passages, their own and others. Two
straight lines are laid over each other: where unrelated pairs lie, and where related ones do. Knows
no switch and no expert.
"""

import re
from statistics import median

import numpy as np
from numpy import float32
from numpy.typing import NDArray

from knowledge.embedding import TextEncoder
from knowledge.models import Chunk, Encoder

SAMPLE, LEAST = 48, 4
# Of a sentence that stands for a question.
SHORTEST, LONGEST = 15, 300
# Under an encoder that tells related pairs from others by less than this nothing can be measured.
LEAST_SPREAD = 0.02
_SENTENCE = re.compile(r"(?<=[.!?…。！？])\s+|\n+")


def measure(encoder: TextEncoder, former: TextEncoder, former_row: Encoder) -> tuple[float, float]:
    """Offset and factor that turn the encoder's cosine into a likeness; (0, 1) if unmeasurable."""
    pairs = sample()
    if len(pairs) < LEAST:
        return 0.0, 1.0
    low, high = spread(encoder, pairs)
    former_low, former_high = (former_row.likeness(value) for value in spread(former, pairs))
    if high - low < LEAST_SPREAD or former_high - former_low < LEAST_SPREAD:
        return 0.0, 1.0
    factor = (former_high - former_low) / (high - low)
    return former_low - factor * low, factor


def sample() -> list[tuple[str, str]]:
    """A sentence and the passage that it stands in, of passages all over the base."""
    live = Chunk.objects.filter(is_live=True, kind=Chunk.Kind.TEXT)
    # By their hashes: as good as by lot, and the same ones each time.
    chunks = live.order_by("sha256", "pk").values_list("text", "context_text")[: 2 * SAMPLE]
    found = {_sentence_of(text): context for text, context in chunks}
    return [(sentence, context) for sentence, context in found.items() if sentence][:SAMPLE]


def _sentence_of(text: str) -> str:
    """The one in the middle of those that could be a question; empty when there is none."""
    sentences = [" ".join(part.split()) for part in _SENTENCE.split(text)]
    fit = [one for one in sentences if SHORTEST <= len(one) <= LONGEST]
    return fit[len(fit) // 2] if fit else ""


def spread(encoder: TextEncoder, pairs: list[tuple[str, str]]) -> tuple[float, float]:
    """The cosine that is usual between a sentence and another passage, and with its own one."""
    questions = _unit(np.array([encoder.encode_query(sentence) for sentence, _ in pairs]))
    passages = _unit(np.array(encoder.encode_passages([passage for _, passage in pairs])))
    cosines = questions @ passages.T
    others = cosines[~np.eye(len(pairs), dtype=bool)]
    return float(median(others.tolist())), float(median(np.diag(cosines).tolist()))


def _unit(vectors: NDArray[float32]) -> NDArray[float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-9), dtype=np.float32)
