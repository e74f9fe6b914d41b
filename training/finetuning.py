"""Recipe and examples become an adapter folder: LoRA, or QLoRA over a 4-bit base.

Paths, dataclasses and callbacks in, files and values out: knows no database, no settings, no queue.
The loop is transformers' Trainer; what is ours is what it learns from, when it stops, and that a
killed run goes on from its last complete checkpoint to the very same weights.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import (
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerState,
    TrainingArguments,
    set_seed,
)
from transformers.trainer import TRAINER_STATE_NAME

from training.checkpoints import newest_checkpoint, seal_checkpoint, step_of
from training.errors import RecipeRefused, RunFailed
from training.events import Emit
from training.loading import (
    attach_adapter,
    choose_device,
    describe,
    load_base,
    pad_id,
    peak_memory,
    restore_adapter,
    save_adapter,
)
from training.masking import Masked, learned_tail, mask_example, pad_batch
from training.packing import NAME as EACH_EXAMPLE
from training.packing import pack_batch
from training.parity import check_parity
from training.recipes import Recipe
from training.samples import Samples, choose_asked
from training.stopping import EarlyStop, eval_losses
from training.tokens import FolderCodec, Turn


@dataclass(frozen=True)
class Conversation:
    """One example of the dataset; `line` names it in messages."""

    line: int
    turns: Sequence[Turn]
    is_eval: bool = False


@dataclass(frozen=True)
class Outcome:
    """How a run ended: stopped on request, or with an adapter and its final figures."""

    is_stopped: bool
    step: int
    figures: dict[str, float]


def finetune(
    recipe: Recipe,
    examples: Sequence[Conversation],
    base_model: Path,
    output: Path,
    *,
    emit: Emit,
    should_stop: Callable[[], bool],
    device: str = "auto",
) -> Outcome:
    """Trains into `output`: `checkpoints/step-N` on the way, `adapter/` at the end.

    Goes on from the newest complete checkpoint in `output`, if there is one. Raises RunFailed with
    code `diverged` when a loss or gradient is no number, RecipeRefused when nothing fits.
    """
    on_cpu, dtype = choose_device(device, recipe.dtype)
    codec = FolderCodec(base_model)
    train, held_back, left_out = mask_examples(recipe, examples, codec)
    alike = check_parity(codec, base_model, [(e.line, e.turns) for e in examples])
    asked = choose_asked(codec, [(e.line, e.turns) for e in examples if e.is_eval])
    set_seed(recipe.seed)
    model = attach_adapter(load_base(base_model, recipe, dtype, on_cpu=on_cpu), recipe)
    if is_packed := recipe.packing and not recipe.neftune_noise_alpha:
        model.set_attn_implementation(EACH_EXAMPLE)
    start = newest_checkpoint(output / "checkpoints")
    reporter = Reporter(output, emit, should_stop)
    patience = EarlyStop(recipe.early_stopping_patience, output)
    arguments = training_arguments(recipe, output, len(train), bool(held_back), on_cpu, dtype)
    arguments.eval_on_start = bool(held_back) and start is None
    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=train,
        eval_dataset=held_back or None,
        data_collator=Collator(None if is_packed else pad_id(model)),
        callbacks=[reporter, patience, Samples(codec, asked, emit)],
    )
    trainer.remove_callback(PrinterCallback)
    facts = {**describe(model, arguments, dtype, left_out), "token_parity": alike}
    emit(type="prepared", facts=facts, resumed_from=step_of(start) if start else None)
    state = learn(trainer, start)
    if state.global_step < arguments.max_steps and not patience.is_over:
        return Outcome(True, state.global_step, {})
    figures = reporter.figures(state.log_history)
    if patience.has_best:
        patience.restore(model)
        figures["eval_loss"] = round(min(eval_losses(state.log_history)), 6)
    if trainer.is_world_process_zero():
        save_adapter(model, base_model, output)
    return Outcome(False, state.global_step, figures)


def learn(trainer: Trainer, start: Path | None) -> TrainerState:
    """Goes through the steps that are left; returns what is known afterwards.

    Trainer itself takes one step too many when none is left.
    """
    if start and step_of(start) >= trainer.args.max_steps:
        restore_adapter(trainer.model, start)
        return TrainerState.load_from_json(str(start / TRAINER_STATE_NAME))
    trainer.train(resume_from_checkpoint=str(start) if start else None)
    return trainer.state


def mask_examples(
    recipe: Recipe, examples: Sequence[Conversation], codec: FolderCodec
) -> tuple[list[Masked], list[Masked], list[int]]:
    """Train and eval examples as ids, and the lines of those that are longer than allowed."""
    masked = [(example, mask_example(codec, example.turns)) for example in examples]
    fitting = [pair for pair in masked if len(pair[1]) <= recipe.max_length]
    train = [ids for example, ids in fitting if not example.is_eval]
    if not train:
        raise RecipeRefused("No train example is as short as max_length.", field="max_length")
    left_out = [example.line for example, ids in masked if len(ids) > recipe.max_length]
    return train, [ids for example, ids in fitting if example.is_eval], left_out


def training_arguments(
    recipe: Recipe, output: Path, examples: int, has_eval: bool, on_cpu: bool, dtype: torch.dtype
) -> TrainingArguments:
    """The recipe in the words of transformers."""
    total = recipe.total_steps(examples)
    return TrainingArguments(
        output_dir=str(output / "staging"),
        per_device_train_batch_size=recipe.per_device_train_batch_size,
        per_device_eval_batch_size=recipe.per_device_train_batch_size,
        gradient_accumulation_steps=recipe.gradient_accumulation_steps,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type=recipe.lr_scheduler_type,
        warmup_steps=math.ceil(recipe.warmup_ratio * total),
        max_steps=total,
        weight_decay=recipe.weight_decay,
        max_grad_norm=recipe.max_grad_norm,
        neftune_noise_alpha=recipe.neftune_noise_alpha or None,
        activation_checkpointing=recipe.gradient_checkpointing,
        activation_checkpointing_kwargs={"use_reentrant": False},
        seed=recipe.seed,
        bf16=dtype is torch.bfloat16 and not on_cpu,
        use_cpu=on_cpu,
        save_strategy="steps",
        save_steps=recipe.save_steps,
        eval_strategy="steps" if has_eval else "no",
        eval_steps=recipe.eval_steps,
        prediction_loss_only=True,
        logging_steps=1,
        logging_nan_inf_filter=False,
        include_num_input_tokens_seen="non_padding",
        remove_unused_columns=False,
        dataloader_pin_memory=not on_cpu,
        report_to="none",
        disable_tqdm=True,
        log_level="error",
    )


class Collator:
    """Examples to tensors; a class, since Trainer keeps it. Without a pad they lie end to end."""

    def __init__(self, pad: int | None) -> None:
        self.pad = pad

    def __call__(self, batch: Sequence[Masked]) -> dict[str, Any]:
        """One batch; its labels are those of the positions that the model predicts for."""
        if self.pad is None:
            return pack_batch(batch)
        tail = learned_tail(batch)
        tensors = {name: torch.tensor(rows) for name, rows in pad_batch(batch, self.pad).items()}
        tensors["labels"] = tensors["labels"][:, -tail:]
        return {**tensors, "logits_to_keep": tail}


class Reporter(TrainerCallback):  # type: ignore[misc]  # transformers is untyped here
    """Says what happens, stops on request or at the first loss that is no number, seals saves."""

    def __init__(self, output: Path, emit: Emit, should_stop: Callable[[], bool]) -> None:
        self.output, self.emit, self.should_stop = output, emit, should_stop

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """Passes on the figures of a step."""
        if not state.is_world_process_zero:
            return
        if "loss" in logs:
            keys = ("loss", "learning_rate", "grad_norm")
            values = {key: float(logs[key]) for key in keys if key in logs}
            require_finite(state.global_step, values)
            values["tokens"] = state.num_input_tokens_seen
            values["memory"] = peak_memory()
            self.emit(type="metric", kind="train", step=state.global_step, values=values)
        elif "eval_loss" in logs:
            values = {"loss": float(logs["eval_loss"])}
            require_finite(state.global_step, values)
            self.emit(type="metric", kind="eval", step=state.global_step, values=values)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Ends the run after this step when asked to, with a checkpoint to go on from."""
        if self.should_stop():
            control.should_training_stop = control.should_save = True
            control.should_evaluate = False

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Makes what was just written a complete checkpoint."""
        if state.is_world_process_zero:
            made = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            kept = seal_checkpoint(made, self.output / "checkpoints", state.global_step)
            self.emit(type="checkpoint", step=state.global_step, kept=kept)

    def figures(self, history: Sequence[dict[str, Any]]) -> dict[str, float]:
        """First and last losses of the whole run, resumed or not."""
        losses = [entry["loss"] for entry in history if "loss" in entry]
        evals = eval_losses(history)
        named = {"first_loss": losses[:1], "loss": losses[-1:], "first_eval_loss": evals[:1]}
        named["eval_loss"] = evals[-1:]
        return {name: round(value[0], 6) for name, value in named.items() if value}


def require_finite(step: int, values: dict[str, float]) -> None:
    """Raises RunFailed when a figure is not a number any more."""
    if not all(math.isfinite(value) for value in values.values()):
        raise RunFailed(
            f"The loss was no number any more at step {step}. Start again with a smaller learning "
            "rate; the checkpoint before is kept.",
            code="diverged",
        )
