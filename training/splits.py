"""Which examples are held back to measure with: decided by hashes, so the same file splits alike.

Pure functions over keys; knows no rows and no files.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence

SHARE = 10
# A group larger than this part of the file can't be held back as a whole.
LARGEST = 20


def choose_eval(keys: Sequence[str], groups: Sequence[str]) -> set[int]:
    """Positions of about a tenth of the examples, whole groups at a time.

    `keys` name each example, `groups` what it comes from ("" for nothing known): two examples from
    one source stay on one side, so that the eval loss is not flattered. Where the sources are too
    few or too large for that, single examples are chosen.
    """
    wanted = len(keys) // SHARE
    if len(keys) < 3:
        return set()
    names = [group or key for group, key in zip(groups, keys, strict=True)]
    sizes = Counter(names)
    if max(sizes.values()) * LARGEST > len(keys):
        names, sizes = list(keys), Counter(keys)
    chosen: set[str] = set()
    count = 0
    for name in sorted(sizes, key=_digest):
        if count >= max(1, wanted):
            break
        chosen.add(name)
        count += sizes[name]
    return {position for position, name in enumerate(names) if name in chosen}


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()
