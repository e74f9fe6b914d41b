"""Claim: examples laid end to end train faster than padded ones, and no slower than plain peft.

    python benchmarks/finetuning_speed.py MODEL_FOLDER [DATASET.jsonl] [--steps 6] [--batch 8]
    python benchmarks/finetuning_speed.py --true-shape phi3-mini   (random weights, on a GPU)

Trains the same examples in the same order for the same number of steps, in a process each: a plain
script of peft and Trainer (padded, logits of all positions), and `finetune()` with LoRA and QLoRA
(NF4, double quantisation), padded and packed. Prints examples and tokens per second without loading
and the first step, peak memory, the last loss, and the ratio to the plain script. On a GPU also the
share of the device's peak that the matrix products reach (MFU).
"""

import argparse
import dataclasses
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from peft import LoraConfig, get_peft_model
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    DataCollatorForSeq2Seq,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    set_seed,
)

from benchmarks.true_shapes import write_phi3_mini
from training.finetuning import Conversation, finetune, mask_examples
from training.reading import Row, read_rows
from training.recipes import FUSED, Recipe
from training.tokens import FolderCodec

REPOSITORY = Path(__file__).resolve().parent.parent
DATASET = REPOSITORY / "phi3site" / "demo" / "dataset.jsonl"
WAYS: dict[str, dict[str, Any]] = {
    "plain peft + Trainer": {},
    "LoRA, padded": {"packing": False},
    "LoRA, packed": {"packing": True},
    "QLoRA, padded": {"method": "qlora", "packing": False},
    "QLoRA, packed": {"method": "qlora", "packing": True},
}
# Dense bf16, in operations per second; from the makers' data sheets.
PEAKS = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "L40S": 362e12, "A10G": 70e12}


def read_examples(path: Path) -> list[Conversation]:
    """The dataset's examples; the same order in every way."""
    with path.open("rb") as file:
        rows = [row for row in read_rows(path.name, file) if isinstance(row, Row)]
    random.Random(0).shuffle(rows)
    return [Conversation(row.line, row.turns) for row in rows]


class Clock:
    """Hears the events of a run; the first step warms up and does not count."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.losses: list[float] = []
        self.tokens: list[float] = []

    def __call__(self, **event: Any) -> None:
        if event["type"] == "metric" and event["kind"] == "train":
            self.times.append(time.perf_counter())
            self.losses.append(event["values"]["loss"])
            self.tokens.append(event["values"]["tokens"])


def train_ours(recipe: Recipe, examples: list[Conversation], model: Path) -> Clock:
    """Through the product."""
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        finetune(recipe, examples, model, Path(folder), emit=clock, should_stop=lambda: False)
    return clock


def train_plain(recipe: Recipe, examples: list[Conversation], model: Path) -> Clock:
    """As a script of a page or two would do it."""
    on_gpu, clock = torch.cuda.is_available(), Clock()
    set_seed(recipe.seed)
    base = AutoModelForCausalLM.from_pretrained(
        model, dtype=torch.bfloat16 if on_gpu else torch.float32, local_files_only=True
    )
    base.config.use_cache = False
    shape = {"r": recipe.r, "lora_alpha": recipe.lora_alpha, "target_modules": list(FUSED)}
    lora = LoraConfig(**shape, task_type="CAUSAL_LM")
    masked, _, _ = mask_examples(recipe, examples, FolderCodec(model))
    with tempfile.TemporaryDirectory() as folder:
        Trainer(
            model=get_peft_model(base, lora),
            args=_plain_arguments(recipe, folder, on_gpu),
            train_dataset=[
                {"input_ids": each.ids, "labels": each.labels, "attention_mask": [1] * len(each)}
                for each in masked
            ],
            data_collator=DataCollatorForSeq2Seq(AutoTokenizer.from_pretrained(model)),
            callbacks=[_Tell(clock)],
        ).train()
    return clock


def _plain_arguments(recipe: Recipe, folder: str, on_gpu: bool) -> TrainingArguments:
    return TrainingArguments(
        output_dir=folder,
        per_device_train_batch_size=recipe.per_device_train_batch_size,
        learning_rate=recipe.learning_rate,
        max_steps=recipe.max_steps,
        lr_scheduler_type=recipe.lr_scheduler_type,
        seed=recipe.seed,
        bf16=on_gpu,
        use_cpu=not on_gpu,
        save_strategy="no",
        logging_steps=1,
        include_num_input_tokens_seen="non_padding",
        report_to="none",
        disable_tqdm=True,
    )


class _Tell(TrainerCallback):  # type: ignore[misc]  # transformers is untyped here
    """Tells the clock what the plain script logs."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """The loss of a step."""
        if "loss" in logs:
            values = {"loss": logs["loss"], "tokens": state.num_input_tokens_seen}
            self._clock(type="metric", kind="train", values=values)


def measure(way: str, options: argparse.Namespace) -> dict[str, Any]:
    """One way in this process."""
    examples = read_examples(options.dataset)
    recipe = Recipe(
        max_steps=options.steps,
        per_device_train_batch_size=options.batch,
        max_length=options.max_length,
        save_steps=100_000,
        warmup_ratio=0.0,
    )
    recipe = dataclasses.replace(recipe, **WAYS[way])
    train = train_plain if not WAYS[way] else train_ours
    clock = train(recipe, examples, options.model)
    seconds = clock.times[-1] - clock.times[0]
    on_gpu = torch.cuda.is_available()
    memory = (
        torch.cuda.max_memory_allocated()
        if on_gpu
        else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    )
    return {
        "way": way,
        "examples": options.batch * (len(clock.times) - 1) / seconds,
        "tokens": (clock.tokens[-1] - clock.tokens[0]) / seconds,
        "memory": memory / 1e9,
        "loss": clock.losses[-1],
        "device": torch.cuda.get_device_name() if on_gpu else "CPU",
    }


def weights_of(folder: Path) -> int:
    """Weights that multiply each token: all but the embedding."""
    from transformers import AutoConfig, AutoModelForCausalLM

    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder))
    return int(
        sum(p.numel() for p in model.parameters()) - model.get_input_embeddings().weight.numel()
    )


def print_table(rows: list[dict[str, Any]], weights: int) -> None:
    """Rates, and how they compare with the plain script."""
    plain = rows[0]["examples"]
    print(f"{rows[0]['device']}, {weights / 1e6:,.0f} M weights behind each token\n")
    print(f"{'':<22}examples/s   tokens/s   peak GB      loss     ratio")
    for row in rows:
        line = (
            f"{row['way']:<22}{row['examples']:>10.2f}{row['tokens']:>11.0f}{row['memory']:>10.2f}"
        )
        print(f"{line}{row['loss']:>10.4f}{row['examples'] / plain:>8.2f} x{_mfu(row, weights)}")


def _mfu(row: dict[str, Any], weights: int) -> str:
    """Two operations per weight forward and two back: frozen weights need no gradient."""
    peak = next((value for name, value in PEAKS.items() if name in row["device"]), 0.0)
    return f"   MFU {4 * weights * row['tokens'] / peak:.0%}" if peak else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=Path, nargs="?")
    parser.add_argument("dataset", type=Path, nargs="?", default=DATASET)
    parser.add_argument("--true-shape", choices=["phi3-mini"], help="random weights in this shape")
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--max-length", type=int, default=1024)
    parser.add_argument("--way", choices=list(WAYS), help="this one only, as JSON")
    options = parser.parse_args()
    if options.way:
        print(json.dumps(measure(options.way, options)))
        return
    with tempfile.TemporaryDirectory() as folder:
        model = options.model or write_phi3_mini(Path(folder))
        rows = [measure_apart(way, model, options) for way in WAYS]
        print_table(rows, weights_of(model))


def measure_apart(way: str, model: Path, options: argparse.Namespace) -> dict[str, Any]:
    """In a process of its own, so that no way inherits memory or warmth from another."""
    numbers = {"steps": options.steps, "batch": options.batch, "max-length": options.max_length}
    command = [sys.executable, __file__, str(model), str(options.dataset), "--way", way]
    command += [part for name, value in numbers.items() for part in (f"--{name}", str(value))]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{way} failed:\n{done.stderr[-3000:]}")
    row: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return row


if __name__ == "__main__":
    main()
