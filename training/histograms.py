"""How many examples are how long, as shapes for an SVG: plain numbers, drawn by the template."""

from collections.abc import Sequence
from dataclasses import dataclass

from training.curves import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Tick, nice_spacing

BARS = 30


@dataclass(frozen=True)
class Bar:
    """Examples of `first` to `last` tokens; `is_over` when all of them are beyond the limit."""

    x: float
    y: float
    width: float
    height: float
    first: int
    last: int
    count: int
    is_over: bool


@dataclass(frozen=True)
class Histogram:
    """Bars by length, and where the limit stands; None when it is beyond all of them."""

    bars: Sequence[Bar]
    rows: Sequence[Tick]
    columns: Sequence[Tick]
    limit: float | None
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


def draw_histogram(lengths: Sequence[int], *, limit: int) -> Histogram | None:
    """Bars of equal width; the limit falls between two of them. None before anything is counted."""
    if not lengths:
        return None
    step = max(1, -(-max(lengths) // BARS))
    counts = [0] * (max(lengths) // step + 1)
    for length in lengths:
        counts[length // step] += 1
    wide = (WIDTH - LEFT - RIGHT) / len(counts)
    spacing = max(1, round(nice_spacing(max(counts))))
    top = spacing * -(-max(counts) // spacing)
    high = HEIGHT - TOP - BOTTOM

    def place(tokens: float) -> float:
        return round(LEFT + tokens / step * wide, 1)

    bars = [
        Bar(
            x=place(at * step),
            y=round(TOP + (1 - count / top) * high, 1),
            width=round(max(1.0, wide - 1), 1),
            height=round(count / top * high, 1),
            first=at * step,
            last=(at + 1) * step - 1,
            count=count,
            is_over=at * step > limit,
        )
        for at, count in enumerate(counts)
        if count
    ]
    end = len(counts) * step
    stride = max(1, round(nice_spacing(end)))
    return Histogram(
        bars=bars,
        rows=[
            Tick(round(TOP + (1 - n * spacing / top) * high, 1), f"{n * spacing:,}")
            for n in range(round(top / spacing) + 1)
        ],
        columns=[Tick(place(tokens), f"{tokens:,}") for tokens in range(0, end + 1, stride)],
        limit=place(limit + 1) if limit < end else None,
    )
