"""Areas on a page in points, origin at the top left as the reader sees it. Pure values."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

Share = tuple[float, float, float, float]


class Area(NamedTuple):
    """A rectangle; y grows downwards. Made for every character: a tuple is made fastest."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def center(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def holds(self, x: float, y: float) -> bool:
        """Whether the point is inside."""
        return self.left <= x <= self.right and self.top <= y <= self.bottom


def union(areas: Iterable[Area]) -> Area:
    """The smallest area that holds all; there must be one."""
    found = list(areas)
    return Area(
        min(area.left for area in found),
        min(area.top for area in found),
        max(area.right for area in found),
        max(area.bottom for area in found),
    )


@dataclass(frozen=True)
class Frame:
    """How the page is turned and cut: from the file's coordinates to the reader's."""

    left: float
    bottom: float
    right: float
    top: float
    # Clockwise, in degrees: 0, 90, 180 or 270.
    rotation: int

    @property
    def size(self) -> tuple[float, float]:
        """Width and height as the reader sees them."""
        width, height = self.right - self.left, self.top - self.bottom
        return (height, width) if self.rotation in (90, 270) else (width, height)

    def point(self, x: float, y: float) -> tuple[float, float]:
        """A point of the file as the reader sees it."""
        x, y = x - self.left, self.top - y
        width, height = self.right - self.left, self.top - self.bottom
        if self.rotation == 90:
            return height - y, x
        if self.rotation == 180:
            return width - x, height - y
        if self.rotation == 270:
            return y, width - x
        return x, y

    def area(self, left: float, bottom: float, right: float, top: float) -> Area:
        """A rectangle of the file as the reader sees it."""
        if self.rotation == 0:
            x, y = self.left, self.top
            return Area(left - x, y - top, right - x, y - bottom)
        (x0, y0), (x1, y1) = self.point(left, bottom), self.point(right, top)
        return Area(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))

    def share(self, area: Area) -> Share:
        """The area's edges as shares of the page, cut to it."""
        width, height = self.size
        edges = (area.left / width, area.top / height, area.right / width, area.bottom / height)
        left, top, right, bottom = (round(min(1.0, max(0.0, edge)), 4) for edge in edges)
        return left, top, right, bottom
