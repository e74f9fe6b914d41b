"""Numbers of pages and the like, in words for people. Pure functions, used by all readers."""

from collections.abc import Iterable


def ranges(noun: str, numbers: Iterable[int]) -> str:
    """“page 3” or “pages 3-9, 12”."""
    found: list[list[int]] = []
    ordered = sorted(set(numbers))
    for number in ordered:
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    words = ", ".join(f"{first}-{last}" if first != last else str(first) for first, last in found)
    return f"{noun}{'s' * (len(ordered) != 1)} {words}"
