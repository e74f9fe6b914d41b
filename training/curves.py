"""The loss curve as shapes for an SVG: plain numbers, drawn by the template. Pure functions."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 720, 260
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 10, 26
TICKS = 4

Points = Sequence[tuple[int, float]]


@dataclass(frozen=True)
class Tick:
    """A grid line: where it lies and what it says."""

    at: float
    label: str


@dataclass(frozen=True)
class Curve:
    """Train and eval loss over steps; `lines` holds the points of a polyline by kind."""

    lines: Mapping[str, str]
    dots: Mapping[str, Sequence[tuple[float, float]]]
    rows: Sequence[Tick]
    columns: Sequence[Tick]
    checkpoints: Sequence[float]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    bottom: int = HEIGHT - BOTTOM


def draw_curve(
    series: Mapping[str, Points], *, total_steps: int, checkpoints: Sequence[int] = ()
) -> Curve | None:
    """The curve of each kind, or None before there is a point."""
    losses = [loss for points in series.values() for _, loss in points if math.isfinite(loss)]
    if not losses:
        return None
    last = max([total_steps, 1, *(step for points in series.values() for step, _ in points)])
    spacing = nice_spacing(max(losses))
    top = spacing * max(1, math.ceil(max(losses) / spacing))

    def place(step: float, loss: float) -> tuple[float, float]:
        x = LEFT + step / last * (WIDTH - LEFT - RIGHT)
        y = TOP + (1 - loss / top) * (HEIGHT - TOP - BOTTOM)
        return round(x, 1), round(y, 1)

    dots = {
        kind: [place(step, loss) for step, loss in points if math.isfinite(loss)]
        for kind, points in series.items()
    }
    stride = max(1, round(nice_spacing(last)))
    return Curve(
        lines={kind: " ".join(f"{x},{y}" for x, y in points) for kind, points in dots.items()},
        dots=dots,
        rows=[
            Tick(place(0, n * spacing)[1], f"{n * spacing:g}")
            for n in range(round(top / spacing) + 1)
        ],
        columns=[Tick(place(step, 0)[0], str(step)) for step in range(0, last + 1, stride)],
        checkpoints=[place(step, 0)[0] for step in checkpoints],
    )


def nice_spacing(highest: float) -> float:
    """1, 2 or 5 times a power of ten, so that about TICKS of them reach the highest value."""
    rough = max(highest, 1e-6) / TICKS
    power: float = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
