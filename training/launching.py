"""Starts the process in which a run is trained, with all that it needs and nothing more.

Says nothing of how it goes on; see supervision.
"""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import IO

from django.conf import settings

from training.child import EXAMPLES, Job
from training.models import Run
from training.recipes import Recipe, read_recipe
from training.runs import write_fenced

CHILD = "training.child"


def write_examples(run: Run) -> None:
    """The dataset as the training process reads it."""
    run.folder.mkdir(parents=True, exist_ok=True)
    rows = run.dataset.examples.accepted().order_by("line").values_list("line", "messages", "split")
    with (run.folder / EXAMPLES).open("w", encoding="utf-8") as file:
        for line, turns, split in rows.iterator():
            row = {"line": line, "turns": turns, "is_eval": split == "eval"}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def launch(run: Run, base: Path, lock: IO[bytes]) -> "subprocess.Popen[bytes]":
    """Starts the process with its job; what it prints goes to the run's log."""
    job = Job(
        folder=str(run.folder),
        attempt=run.attempt,
        recipe=effective_recipe(run).as_dict(),
        base_model=str(base),
        device=settings.TRAINING_DEVICE,
        parent=os.getpid(),
    )
    path = run.folder / "job.json"
    job.write(path)
    with (run.folder / "training.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", CHILD, str(path)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=settings.BASE_DIR,
            env=child_environment(),
            pass_fds=(lock.fileno(),),
        )


def child_environment() -> dict[str, str]:
    """Ours without its secrets: the process needs no database and no network."""
    hidden = ("SECRET", "DATABASE_URL", "REDIS_URL", "_KEY", "TOKEN", "PASSWORD")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not any(mark in name for mark in hidden)
    }
    return kept | {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}


def halve_batch(run: Run) -> bool:
    """Half the batch in memory at twice the accumulation: the same steps with less memory."""
    size = effective_recipe(run).per_device_train_batch_size
    if size < 2 or size % 2:
        return False
    facts = {**run.facts, "per_device_train_batch_size": size // 2}
    write_fenced(run, facts=facts, attempt=run.attempt + 1)
    return True


def effective_recipe(run: Run) -> Recipe:
    """The recipe, with the batch that fits into memory."""
    recipe = read_recipe(run.recipe)
    size = run.facts.get("per_device_train_batch_size", recipe.per_device_train_batch_size)
    return replace(
        recipe,
        per_device_train_batch_size=size,
        gradient_accumulation_steps=recipe.effective_batch // size,
    )
