"""The day that a question is about, when it names one: "as of 1 March 2025". A pure function.

Knows no document; only words that ask for the state of things on a day count, not every date.
"""

import re
from datetime import date

MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)
_MONTH = "|".join(f"{name[:3]}(?:{name[3:]})?" for name in MONTHS) + "|sept"
_ASKED = r"\b(?:as (?:of|at)|in force on|valid on|effective on|stand(?: vom)?)\s+(?:the\s+)?"
_ISO = re.compile(_ASKED + r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})\b", re.I)
_DOTTED = re.compile(_ASKED + r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})\b", re.I)
_DAY_FIRST = re.compile(
    _ASKED + rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<month>{_MONTH})\.?,?\s+"
    r"(?P<year>\d{4})\b",
    re.I,
)
_MONTH_FIRST = re.compile(
    _ASKED + rf"(?P<month>{_MONTH})\.?\s+(?:(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+)?"
    r"(?P<year>\d{4})\b",
    re.I,
)


def named_day(question: str) -> date | None:
    """The day whose rules are asked for; None when there is none, or it is no day."""
    for form in (_ISO, _DOTTED, _DAY_FIRST, _MONTH_FIRST):
        if found := form.search(question):
            return _day(found["year"], found["month"], found["day"] or "1")
    return None


def _day(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), _number(month), int(day))
    except ValueError:
        return None


def _number(month: str) -> int:
    if month.isdigit():
        return int(month)
    return next(n for n, name in enumerate(MONTHS, 1) if name.startswith(month[:3].lower()))
