"""The numbers that Word shows before headings and list items, which no text of the file holds.

Knows no paragraph: a list and a level in, its label out.
"""

from collections import defaultdict
from dataclasses import dataclass, field

from lxml import etree

from knowledge.formats.packages import attribute, child, local_name

_ROMAN = ((100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"))
_LEVELS = 9


@dataclass(frozen=True)
class _Level:
    format: str = "bullet"
    # “%1.%2” stands for the numbers of the first two levels.
    pattern: str = ""
    start: int = 1


@dataclass
class Numbering:
    """Counts as Word does, list by list."""

    _levels: dict[str, dict[int, _Level]] = field(default_factory=dict)
    # List → its definition, and the numbers at which it starts anew.
    _lists: dict[str, tuple[str, dict[int, int]]] = field(default_factory=dict)
    _counts: dict[str, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))
    _started: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, root: etree._Element) -> "Numbering":
        """From the part `numbering.xml`."""
        found = cls()
        for element in root:
            key = attribute(element, "abstractNumId")
            if local_name(element) == "abstractNum":
                found._levels[key] = dict(map(_level, _children(element, "lvl")))
            elif local_name(element) == "num":
                abstract = child(element, "abstractNumId")
                starts = dict(filter(None, map(_override, _children(element, "lvlOverride"))))
                name = attribute(element, "numId")
                found._lists[name] = ("" if abstract is None else _value(abstract), starts)
        return found

    def label(self, list_id: str, level: int) -> str:
        """The next label of the list at this level; empty for a bullet."""
        definition, starts = self._lists.get(list_id, ("", {}))
        levels = self._levels.get(definition, {})
        level = min(max(level, 0), _LEVELS - 1)
        counts = self._counts[definition]
        if list_id not in self._started:
            self._started.add(list_id)
            counts.update({index: start - 1 for index, start in starts.items()})
        own = levels.get(level, _Level())
        counts[level] = counts.get(level, own.start - 1) + 1
        for deeper in range(level + 1, _LEVELS):
            counts.pop(deeper, None)
        if own.format in ("bullet", "none"):
            return ""
        label = own.pattern
        for index in range(level + 1):
            upper = levels.get(index, _Level("decimal"))
            number = counts.get(index, upper.start)
            label = label.replace(f"%{index + 1}", _shown(number, upper.format))
        return label.strip()


def _children(element: etree._Element, name: str) -> list[etree._Element]:
    return [found for found in element if local_name(found) == name]


def _value(element: etree._Element | None, default: str = "") -> str:
    return default if element is None else attribute(element, "val", default)


def _number(text: str, default: int) -> int:
    return int(text) if text.isdecimal() and len(text) < 7 else default


def _level(element: etree._Element) -> tuple[int, _Level]:
    level = _Level(
        format=_value(child(element, "numFmt"), "decimal"),
        pattern=_value(child(element, "lvlText")),
        start=_number(_value(child(element, "start")), 1),
    )
    return _number(attribute(element, "ilvl"), 0), level


def _override(element: etree._Element) -> tuple[int, int] | None:
    start = child(element, "startOverride")
    if start is None:
        return None
    return _number(attribute(element, "ilvl"), 0), _number(_value(start), 1)


def _shown(number: int, form: str) -> str:
    """A number in the list's own way of counting."""
    if form in ("lowerLetter", "upperLetter") and number > 0:
        letter = chr(ord("a") + (number - 1) % 26) * ((number - 1) // 26 + 1)
        return letter.upper() if form == "upperLetter" else letter
    if form in ("lowerRoman", "upperRoman") and 0 < number < 400:
        roman = _roman(number)
        return roman.upper() if form == "upperRoman" else roman
    return f"{number:02}" if form == "decimalZero" else str(number)


def _roman(number: int) -> str:
    text = ""
    for value, sign in _ROMAN:
        text += sign * (number // value)
        number %= value
    return text + "i" * number
