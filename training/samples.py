"""What the model says in the middle of a run: the same few questions after every measurement.

A loss does not show whether answers have become short, wrong or endless; reading three of them
does. Knows models and ids, no database.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import TrainerCallback

from training.events import Emit
from training.tokens import FolderCodec, Turn

COUNT = 3
LONGEST = 64
# Prompts beyond this length take too long to read again after each measurement.
LONGEST_PROMPT = 1024


@dataclass(frozen=True)
class Asked:
    """A held-back example: its line, its prompt as ids, its question and the answer wanted."""

    line: int
    prompt: list[int]
    question: str
    wanted: str


class Samples(TrainerCallback):  # type: ignore[misc]  # transformers is untyped here
    """Asks after each measurement and tells what was said."""

    def __init__(self, codec: FolderCodec, asked: Sequence[Asked], emit: Emit) -> None:
        self._codec, self._asked, self._emit = codec, asked, emit

    def on_evaluate(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        """Greedy answers of one process; the others wait at their next step."""
        if not self._asked or not state.is_world_process_zero:
            return
        said = [
            {
                "line": asked.line,
                "question": asked.question,
                "wanted": asked.wanted,
                "said": self._answer(model, asked.prompt),
            }
            for asked in self._asked
        ]
        values = {"answers": said}
        self._emit(type="metric", kind="said", step=state.global_step, values=values)

    def _answer(self, model: Any, prompt: list[int]) -> str:
        attention = model.config._attn_implementation
        # Training's attention knows whole examples only, no cache.
        model.set_attn_implementation("sdpa")
        ids = torch.tensor([prompt], device=model.device)
        try:
            with torch.no_grad():
                out = model.generate(
                    input_ids=ids,
                    attention_mask=torch.ones_like(ids),
                    max_new_tokens=LONGEST,
                    do_sample=False,
                    use_cache=True,
                    eos_token_id=self._codec.end,
                    pad_token_id=self._codec.end,
                )
        finally:
            model.set_attn_implementation(attention)
        new = [number for number in out[0, len(prompt) :].tolist() if number != self._codec.end]
        # No database keeps the character that ends a text in C.
        return self._codec.text(new).replace("\x00", "\ufffd")


def choose_asked(codec: FolderCodec, examples: Sequence[tuple[int, Sequence[Turn]]]) -> list[Asked]:
    """The first few held-back examples that are short enough to be asked again and again."""
    chosen: list[Asked] = []
    for line, turns in examples:
        prompt = codec.prompt(turns[:-1])
        if len(prompt) <= LONGEST_PROMPT and len(chosen) < COUNT:
            chosen.append(Asked(line, prompt, turns[-2]["content"], turns[-1]["content"]))
    return chosen
