"""Ends a run when its eval loss gets no better, with the weights that measured best.

What it decides from is the trainer's own history, which checkpoints keep: a resumed run decides as
the uninterrupted one. Knows losses and files, no database.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from peft import get_peft_model_state_dict, set_peft_model_state_dict
from safetensors.torch import load_file, save_file
from transformers import TrainerCallback

FILE = "best.safetensors"


class EarlyStop(TrainerCallback):  # type: ignore[misc]  # transformers is untyped here
    """Waits for `patience` measurements without a better one; none with a patience of 0."""

    def __init__(self, patience: int, output: Path) -> None:
        self._patience, self._path = patience, output / FILE
        self.is_over = False

    @property
    def has_best(self) -> bool:
        """Whether there are weights to go back to."""
        return self._patience > 0 and self._path.is_file()

    def on_evaluate(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        """Keeps the weights of the best measurement; ends the run after too many worse ones."""
        losses = eval_losses(state.log_history)
        if not self._patience or not losses:
            return
        worse = len(losses) - 1 - losses.index(min(losses))
        if worse == 0 and state.is_world_process_zero:
            self._keep(model)
        if worse >= self._patience:
            self.is_over = control.should_training_stop = control.should_save = True

    def restore(self, model: Any) -> None:
        """Puts the best weights into the model."""
        set_peft_model_state_dict(model, load_file(self._path))

    def _keep(self, model: Any) -> None:
        # Beside first: a crash in the middle must not cost the best weights so far.
        made = self._path.with_suffix(".part")
        weights = get_peft_model_state_dict(model, save_embedding_layers=False)
        save_file(
            {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}, made
        )
        made.replace(self._path)


def eval_losses(history: Sequence[dict[str, Any]]) -> list[float]:
    """The eval losses of a trainer's history, oldest first."""
    return [entry["eval_loss"] for entry in history if "eval_loss" in entry]
