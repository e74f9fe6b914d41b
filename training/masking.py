"""Which tokens of an example the model learns: its last answer and the token that ends it.

The prompt's ids are those of serving by construction, so the mask follows from lengths and never
from searching for a text. Pure functions over ids; padding is masked by the attention mask alone,
since a model may pad with the very token that ends its answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from training.tokens import Codec, Turn

IGNORED = -100


@dataclass(frozen=True)
class Masked:
    """An example as ids; `labels` holds the id where it is learned and IGNORED elsewhere."""

    ids: list[int]
    labels: list[int]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def prompt_length(self) -> int:
        """Ids before the first one that is learned."""
        return next(at for at, label in enumerate(self.labels) if label != IGNORED)


def mask_example(codec: Codec, turns: Sequence[Turn]) -> Masked:
    """The conversation up to its last answer, of which only that answer is learned.

    Leading and trailing blanks of the answer are no part of it: templates swallow them.
    """
    prompt = codec.prompt(turns[:-1])
    answer = [*codec.plain(turns[-1]["content"].strip()), codec.end]
    return Masked(prompt + answer, [IGNORED] * len(prompt) + answer)


def learned_tail(batch: Sequence[Masked]) -> int:
    """Last positions of the padded batch that can matter to the loss.

    Each token is predicted by the position before it. What only leads up to the answers needs no
    prediction at all, which saves most of the widest layer and of its memory.
    """
    width = max(len(example) for example in batch)
    return width - min(example.prompt_length for example in batch) + 1


def pad_batch(batch: Sequence[Masked], pad: int) -> dict[str, list[list[int]]]:
    """Rectangles of ids, attention and labels, padded on the right to the longest example."""
    width = max(len(example) for example in batch)
    gaps = [width - len(example) for example in batch]
    pairs = list(zip(batch, gaps, strict=True))
    return {
        "input_ids": [example.ids + [pad] * gap for example, gap in pairs],
        "attention_mask": [[1] * len(example) + [0] * gap for example, gap in pairs],
        "labels": [example.labels + [IGNORED] * gap for example, gap in pairs],
    }
