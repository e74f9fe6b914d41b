"""What the pages and the API say of a run under way: how far, how fast, how long still."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from training.curves import Curve, draw_curve
from training.models import Metric, Run

# Steps whose pace says how long the rest takes.
RECENT = 20
LOG_BYTES = 6000


@dataclass(frozen=True)
class Report:
    """A run as its page shows it."""

    curve: Curve | None
    percent: int
    remaining: timedelta | None
    seconds_per_step: float | None
    tokens_per_second: float | None
    loss: float | None
    eval_loss: float | None
    first_eval_loss: float | None
    # The most bytes that its process took, and how long it has trained.
    memory: int | None
    took: timedelta | None
    # What the model said after the newest measurement, and at which step that was.
    said: list[dict[str, Any]]
    said_at: int | None
    # The step that a resumed run would go on from.
    last_checkpoint: int | None


def report_on(run: Run) -> Report:
    """Figures and curve from the run's points."""
    metrics = list(run.metrics.order_by("step"))
    train = [metric for metric in metrics if metric.kind == "train"]
    held_back = [metric for metric in metrics if metric.kind == "eval"]
    pace, tokens = _pace(train[-RECENT:])
    is_moving = run.status == Run.Status.RUNNING and pace is not None
    rest = (run.total_steps - run.step) * (pace or 0.0)
    said = [metric for metric in metrics if metric.kind == "said"][-1:]
    steps = list(run.checkpoints.values_list("step", flat=True))
    series = {"train": _points(train), "eval": _points(held_back)}
    return Report(
        curve=draw_curve(series, total_steps=run.total_steps, checkpoints=steps),
        percent=_percent(run),
        remaining=timedelta(seconds=round(rest)) if is_moving else None,
        seconds_per_step=pace,
        tokens_per_second=tokens,
        loss=_loss(train[-1:]),
        eval_loss=_loss(held_back[-1:]),
        first_eval_loss=_loss(held_back[:1]),
        memory=max((metric.values.get("memory", 0) for metric in train), default=0) or None,
        took=_took(train),
        said=said[0].values["answers"] if said else [],
        said_at=said[0].step if said else None,
        last_checkpoint=max(steps, default=None),
    )


def _percent(run: Run) -> int:
    if run.status == Run.Status.FINISHED:  # perhaps early, because it got no better
        return 100
    return round(100 * run.step / run.total_steps) if run.total_steps else 0


def log_tail(run: Run) -> str:
    """The end of what the training process printed."""
    path = run.folder / "training.log"
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - LOG_BYTES), os.SEEK_SET)
        return file.read().decode("utf-8", "replace")


def _points(metrics: Sequence[Metric]) -> list[tuple[int, float]]:
    return [(metric.step, metric.values["loss"]) for metric in metrics]


def _loss(metrics: Sequence[Metric]) -> float | None:
    return metrics[0].values["loss"] if metrics else None


def _took(metrics: Sequence[Metric]) -> timedelta | None:
    if len(metrics) < 2:
        return None
    return timedelta(seconds=round(metrics[-1].values["at"] - metrics[0].values["at"]))


def _pace(metrics: Sequence[Metric]) -> tuple[float | None, float | None]:
    """Seconds per step and tokens per second over these points."""
    if len(metrics) < 2:
        return None, None
    first, last = metrics[0], metrics[-1]
    seconds: Any = last.values["at"] - first.values["at"]
    if seconds <= 0:
        return None, None
    tokens = last.values.get("tokens", 0) - first.values.get("tokens", 0)
    return seconds / (last.step - first.step), tokens / seconds if tokens > 0 else None
