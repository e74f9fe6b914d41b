"""Several runs over each other: one drawing, the fields in which their recipes differ, the figures.

Reads rows only.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from training.curves import Curve, draw_curve
from training.models import Run
from training.reports import Report, report_on
from training.templatetags.recipes import recipe_rows

# More curves than this can't be told apart.
MOST = 5


@dataclass(frozen=True)
class Comparison:
    """What differs stands first; `figures` and `recipe` hold a label and a cell for each run."""

    runs: Sequence[Run]
    curve: Curve | None
    recipe: Sequence[tuple[str, Sequence[str]]]
    figures: Sequence[tuple[str, Sequence[str]]]
    # Runs on several datasets or base models do not measure the same.
    is_alike: bool


def compare_runs(runs: Iterable[Run]) -> Comparison:
    """Of runs in the order in which they are drawn."""
    found = list(runs)
    reports = [report_on(run) for run in found]
    series = {
        f"{kind}-{number}": _points(run, kind)
        for number, run in enumerate(found, 1)
        for kind in ("train", "eval")
    }
    recipes = [{name: value for name, _, value in recipe_rows(run.recipe)} for run in found]
    labels = {name: label for run in found for name, label, _ in recipe_rows(run.recipe)}
    cells = [(labels[name], [each.get(name, "–") for each in recipes]) for name in labels]
    return Comparison(
        runs=found,
        curve=draw_curve(series, total_steps=max((run.total_steps for run in found), default=0)),
        recipe=[(label, values) for label, values in cells if len(set(values)) > 1],
        figures=_figures(found, reports),
        is_alike=len({(run.dataset_id, run.base_model) for run in found}) <= 1,
    )


def _points(run: Run, kind: str) -> list[tuple[int, float]]:
    rows = run.metrics.filter(kind=kind).order_by("step").values_list("step", "values")
    return [(step, values["loss"]) for step, values in rows]


def _figures(runs: Sequence[Run], reports: Sequence[Report]) -> list[tuple[str, list[str]]]:
    return [
        ("Dataset", [str(run.dataset) for run in runs]),
        ("Base model", [run.base_model for run in runs]),
        ("Steps", [f"{run.step:,} of {run.total_steps:,}" for run in runs]),
        ("Train loss", [_number(report.loss, 4) for report in reports]),
        ("Eval loss", [_number(report.eval_loss, 4) for report in reports]),
        ("Eval loss at first", [_number(report.first_eval_loss, 4) for report in reports]),
        ("Tokens per second", [_number(report.tokens_per_second, 0) for report in reports]),
        ("Memory at most, GB", [_number((r.memory or 0) / 1e9 or None, 2) for r in reports]),
        ("Time in training", [str(report.took or "–") for report in reports]),
    ]


def _number(value: Any, digits: int) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"
