"""Which texts say nearly the same: shingles of four characters, found by MinHash, then compared.

Pure functions over texts. Two texts whose figures or part numbers differ are never alike: in an
industry's questions that is the whole difference. Looks at the beginning of very long texts only.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

# The web process knows of these reports and loads nothing that they need.
if TYPE_CHECKING:
    from numpy import uint64
    from numpy.typing import NDArray

ALIKE = 0.8
LONGEST = 20_000
SHINGLE = 4
# 16 bands of 4: a pair as like as ALIKE meets in one of them in 9,998 of 10,000 cases.
BANDS, ROWS = 16, 4
# Texts of one bucket that a new one is compared with, so that a thousand alike cost no million.
COMPARED = 20
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Fingerprint:
    """What of a text is compared."""

    shingles: "NDArray[uint64]"
    figures: frozenset[str]
    bands: tuple[bytes, ...]


@dataclass
class Likeness:
    """Texts by what they are like; ask before adding to look back only."""

    _known: list[Fingerprint] = field(default_factory=list)
    _buckets: dict[tuple[int, bytes], list[int]] = field(default_factory=dict)

    def find(self, seen: Fingerprint) -> int | None:
        """The first text added that is nearly the same."""
        near: set[int] = set()
        for band in enumerate(seen.bands):
            near.update(self._buckets.get(band, ())[:COMPARED])
        return next((at for at in sorted(near) if _is_alike(seen, self._known[at])), None)

    def add(self, seen: Fingerprint) -> None:
        """Remembers a text under the next number, from 0."""
        self._known.append(seen)
        for band in enumerate(seen.bands):
            self._buckets.setdefault(band, []).append(len(self._known) - 1)


def near_pairs(texts: Sequence[str]) -> dict[int, int]:
    """Position of a text → the first before it that says nearly the same."""
    likeness, found = Likeness(), dict[int, int]()
    for position, text in enumerate(texts):
        seen = fingerprint(text)
        first = likeness.find(seen)
        if first is not None:
            found[position] = first
        likeness.add(seen)
    return found


def near_across(texts: Sequence[str], others: Sequence[str]) -> dict[int, int]:
    """Position of a text → the first of the others that says nearly the same."""
    likeness = Likeness()
    for other in others:
        likeness.add(fingerprint(other))
    found = ((at, likeness.find(fingerprint(text))) for at, text in enumerate(texts))
    return {at: first for at, first in found if first is not None}


def fingerprint(text: str) -> Fingerprint:
    """Shingles as numbers, figures as written, and the bands by which likely pairs meet."""
    import numpy as np

    words = _WORD.findall(text[:LONGEST].casefold())
    figures = frozenset(word for word in words if any(char.isdigit() for char in word))
    plain = " ".join(words).ljust(SHINGLE)
    codes = np.frombuffer(plain.encode("utf-32-le"), dtype=np.uint32).astype(np.uint64)
    count = len(codes) - SHINGLE + 1
    mixed = np.zeros(count, dtype=np.uint64)
    for offset in range(SHINGLE):
        mixed = mixed * np.uint64(1_000_003) + codes[offset : offset + count]
    shingles = np.unique(mixed)
    random = np.random.default_rng(7)
    factors = random.integers(1, 2**63, BANDS * ROWS, dtype=np.uint64) | np.uint64(1)
    hashed = (shingles[:, None] * factors) >> np.uint64(32)
    lowest = hashed.min(axis=0).astype(np.uint32).reshape(BANDS, ROWS)
    return Fingerprint(shingles, figures, tuple(band.tobytes() for band in lowest))


def _is_alike(one: Fingerprint, other: Fingerprint) -> bool:
    import numpy as np

    if one.figures != other.figures:
        return False
    small, large = sorted((len(one.shingles), len(other.shingles)))
    if small < ALIKE * large:
        return False
    common = len(np.intersect1d(one.shingles, other.shingles, assume_unique=True))
    return common >= ALIKE * (small + large - common)
