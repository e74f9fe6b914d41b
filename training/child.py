"""The process in which a run is trained: `python -m training.child job.json`.

Apart from the worker, so that a crash or a full GPU takes nothing else along and gives all memory
back. Told everything by the job file; tells everything by its events. Knows no database.
"""

import ctypes
import json
import logging
import os
import signal
import sys
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from training.errors import TrainingError
from training.events import EventWriter
from training.recipes import read_recipe

PR_SET_PDEATHSIG = 1
EVENTS = "events.jsonl"
EXAMPLES = "examples.jsonl"

logger = logging.getLogger("training.child")


@dataclass(frozen=True)
class Job:
    """What the child must know; `folder` is the run's own."""

    folder: str
    attempt: int
    recipe: dict[str, Any]
    base_model: str
    device: str
    parent: int

    def write(self, path: Path) -> None:
        """As JSON."""
        path.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")


def main(path: str) -> int:
    """Trains as the job file says; 0 once the last event tells how it ended."""
    job = Job(**json.loads(Path(path).read_text(encoding="utf-8")))
    die_with_parent(job.parent)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    os.nice(10)
    launch_on_all_gpus(job, path)
    emit = EventWriter(Path(job.folder) / EVENTS, job.attempt)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    try:
        train(job, emit, stop)
    except TrainingError as error:
        emit(type="failed", code=error.code, message=error.message)
    except Exception as error:
        code, message = explain(error)
        logger.exception("training failed")
        emit(type="failed", code=code, message=message)
    return 0


def train(job: Job, emit: EventWriter, stop: threading.Event) -> None:
    """Runs the fine-tuning and tells its end."""
    logger.info("attempt %s: loading the model libraries", job.attempt)
    from training.finetuning import Conversation, finetune

    folder = Path(job.folder)
    with (folder / EXAMPLES).open(encoding="utf-8") as file:
        examples = [Conversation(**json.loads(line)) for line in file]
    outcome = finetune(
        read_recipe(job.recipe),
        examples,
        Path(job.base_model),
        folder,
        emit=emit,
        should_stop=stop.is_set,
        device=job.device,
    )
    if int(os.environ.get("RANK", "0")) == 0:
        kind = "stopped" if outcome.is_stopped else "finished"
        emit(type=kind, step=outcome.step, figures=outcome.figures)


def die_with_parent(parent: int) -> None:
    """Asks the kernel to end this process with the one that started it, even by SIGKILL."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if "RANK" not in os.environ and os.getppid() != parent:  # it died before we could ask
        sys.exit(1)


def launch_on_all_gpus(job: Job, path: str) -> None:
    """Becomes `accelerate launch` when there is more than one GPU to share the work."""
    if "RANK" in os.environ or job.device == "cpu":
        return
    import torch

    count = torch.cuda.device_count()
    if count > 1:
        launcher = ["-m", "accelerate.commands.launch", "--num_processes", str(count)]
        command = [sys.executable, *launcher, "--multi_gpu", "-m", "training.child", path]
        os.execv(sys.executable, command)


def explain(error: Exception) -> tuple[str, str]:
    """A code and a sentence for what the libraries raised."""
    text = f"{type(error).__name__}: {error}"
    if type(error).__name__ == "OutOfMemoryError":
        return "out_of_memory", (
            "The memory of the device is too small. Halve per_device_train_batch_size, switch "
            "gradient_checkpointing on, or choose QLoRA."
        )
    if "No space left" in text or "failed writing file" in text or "Disk quota" in text:
        return "disk_full", (
            "The disk is full. The checkpoint before is kept: free some space, then resume."
        )
    return "training_failed", f"The training stopped with {text[:300]}. The log has the details."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
