"""The text of a cell → a number with its unit, a date, or a boolean. Pure functions.

Strict: what is not wholly one of these is text. “007” is a name, not a number.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from knowledge.tables.units import CURRENCIES, MAGNITUDES, unit_of

BOOLEANS = {"true": True, "false": False, "yes": True, "no": False}
# What people write into a cell that has no value.
PLACEHOLDERS = frozenset(
    {"", "-", "–", "—", "--", "n/a", "na", "n.a.", "?", "tba", "tbd", "unknown", "…", "...", "none"}
)
_FOOTNOTES = re.compile(r"\s*(?:\[\w{1,3}\]|[*†‡#^]+)$")
_SIGNS = "|".join(re.escape(sign) for sign in sorted(CURRENCIES, key=len, reverse=True))
_NUMBER = re.compile(
    rf"""(?P<minus>[-−–])?\+?\s*(?P<before>{_SIGNS})?\s*(?P<minus2>[-−–])?
    (?P<digits>\d{{1,3}}(?:[, '\u00a0\u202f]\d{{3}})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)
    (?P<ordinal>st|nd|rd|th)?\s*(?P<times>thousand|million|billion|mn|bn)?
    \s*(?P<unit>[^\W\d_][^\s\d]{{0,11}}|[%€$£¥₹°µ][^\s\d]{{0,3}})?""",
    re.VERBOSE | re.IGNORECASE,
)
_COMMA = re.compile(r"(?<![\d.,])(\d{1,3}(?:\.\d{3})+|\d+),(\d+)(?![\d.,])")
_DOTS = re.compile(r"(?<![\d.,])\d{1,3}(?:\.\d{3})+(?![\d.,])")
_MONTHS = {
    name: number
    for number, names in enumerate(
        ("january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul",
         "august aug", "september sep sept", "october oct", "november nov", "december dec"),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_WEEKDAY = r"(?:(?:mon|tue|tues|wed|wednes|thu|thurs|fri|sat|satur|sun)(?:day)?\.?,?\s+)?"
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T ]\d{2}:\d{2}.*)?")
_DAY_FIRST = re.compile(
    rf"{_WEEKDAY}(\d{{1,2}})(?:st|nd|rd|th)?\.?\s+({_MONTH})\.?,?\s+(\d{{4}})", re.IGNORECASE
)
_MONTH_FIRST = re.compile(
    rf"{_WEEKDAY}({_MONTH})\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?,?\s+(\d{{4}})", re.IGNORECASE
)
_FIGURES = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})")


@dataclass(frozen=True)
class Number:
    """A figure and what it counts."""

    value: int | float
    unit: str = ""


def shown(value: Any) -> str:
    """A cell as a reader sees it."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return str(value.date() if value.time() == time() else value.replace(microsecond=0))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.10g}"
    return " ".join(str(value).split())


def is_placeholder(text: str) -> bool:
    """Whether the cell says that it has no value."""
    return text.lower() in PLACEHOLDERS


def number_of(text: str, *, has_decimal_commas: bool = False) -> Number | None:
    """The number that the whole text is."""
    text = _FOOTNOTES.sub("", text)
    if has_decimal_commas:
        text = _DOTS.sub(lambda found: found[0].replace(".", ""), text)
        text = _COMMA.sub(lambda found: f"{found[1].replace('.', '')}.{found[2]}", text)
    found = _NUMBER.fullmatch(text) if len(text) < 60 else None
    if found is None or re.match(r"0\d", found["digits"]):
        return None
    unit = found["unit"] or ""
    if unit and not (unit_of(unit) or len(unit) > 2):
        return None
    plain = re.sub(r"[, '\u00a0\u202f]", "", found["digits"])
    value = float(plain) if "." in plain or len(plain) > 15 else int(plain)
    value *= MAGNITUDES.get((found["times"] or "").lower(), 1)
    if found["minus"] or found["minus2"]:
        value = -value
    known = unit_of(found["before"] or "") or unit_of(unit) or unit
    return Number(value, known)


def date_of(text: str, *, is_day_first: bool | None = None) -> date | None:
    """The date that the whole text is; 3/4/2026 only when it is known which comes first."""
    text = _FOOTNOTES.sub("", text)
    if found := _ISO.fullmatch(text):
        return _date(found[1], found[2], found[3])
    if found := _DAY_FIRST.fullmatch(text):
        return _date(found[3], _MONTHS[found[2].lower()], found[1])
    if found := _MONTH_FIRST.fullmatch(text):
        return _date(found[3], _MONTHS[found[1].lower()], found[2])
    if found := _FIGURES.fullmatch(text):
        first_is_day = True if found[2] == "." else is_day_first
        if first_is_day is None:
            return None
        day, month = (found[1], found[3]) if first_is_day else (found[3], found[1])
        return _date(found[4], month, day)
    return None


def day_comes_first(texts: list[str]) -> bool | None:
    """Whether dates like 3/4/2026 begin with the day: told by those with a figure above 12."""
    found = [match for text in texts if (match := _FIGURES.fullmatch(text))]
    if any(int(match[1]) > 12 for match in found):
        return True
    return False if any(int(match[3]) > 12 for match in found) else None


def boolean_of(text: str) -> bool | None:
    """Yes or no."""
    return BOOLEANS.get(text.lower())


def _date(year: str, month: str | int, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None
