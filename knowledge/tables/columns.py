"""The type, unit and statistics of a column from its cells. Pure functions."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from knowledge.blocks import Cell, Column, ColumnType
from knowledge.tables.units import unit_in_header
from knowledge.tables.values import (
    boolean_of,
    date_of,
    day_comes_first,
    is_placeholder,
    number_of,
)

# From this share of the filled cells on a column has the type that they share.
TYPED_FROM = 0.8
# Cells that are looked at before the type is proposed; all of them decide.
SAMPLE = 500
TOP_VALUES = 5
LONGEST_VALUE = 80

Parse = Callable[[str], Cell]


@dataclass(frozen=True)
class TypedColumn:
    """A column, and how the text of one of its cells becomes its value."""

    column: Column
    parse: Parse


def type_column(name: str, texts: Iterable[str], *, unit: str = "") -> TypedColumn:
    """The type that nearly all filled cells share, else text; the unit of header or cells."""
    counts = Counter(texts)
    filled = {text: count for text, count in counts.items() if not is_placeholder(text)}
    kind, parse, cell_unit = _type(filled)
    unit = unit_in_header(name) or unit or cell_unit if kind in ("integer", "decimal") else ""
    column = Column(name, kind, unit, _statistics(counts, filled, parse, kind))
    return TypedColumn(column, parse)


def _type(filled: dict[str, int]) -> tuple[ColumnType, Parse, str]:
    """What most cells parse as, tried from the strictest to the loosest."""
    if not filled:
        return "text", _text, ""
    total = sum(filled.values())
    if all(boolean_of(text) is not None for text in filled):
        return "boolean", boolean_of, ""
    for has_commas in (False, True):
        numbers = {text: number_of(text, has_decimal_commas=has_commas) for text in filled}
        units = Counter(found.unit for found in numbers.values() if found)
        parsed = sum(filled[text] for text, found in numbers.items() if found)
        if parsed >= TYPED_FROM * total and _is_one_unit(units):
            is_whole = all(isinstance(found.value, int) for found in numbers.values() if found)
            unit = max(units, key=lambda one: (bool(one), units[one]))
            return "integer" if is_whole else "decimal", _number(unit, has_commas), unit
    is_day_first = day_comes_first(list(filled))
    dates = sum(
        filled[text] for text in filled if date_of(text, is_day_first=is_day_first) is not None
    )
    if dates >= TYPED_FROM * total:
        return "date", _date(is_day_first), ""
    return "text", _text, ""


def _is_one_unit(units: Counter[str]) -> bool:
    """Whether the figures can be compared: one unit, which some cells may leave out."""
    named = [unit for unit in units if unit]
    return len(named) <= 1


def _text(text: str) -> Cell:
    """Text has no value beside itself."""
    return None


def _number(unit: str, has_commas: bool) -> Parse:
    def parse(text: str) -> Cell:
        found = number_of(text, has_decimal_commas=has_commas)
        return found.value if found and found.unit in ("", unit) else None

    return parse


def _date(is_day_first: bool | None) -> Parse:
    def parse(text: str) -> Cell:
        found = date_of(text, is_day_first=is_day_first)
        return found.isoformat() if found else None

    return parse


def _statistics(
    counts: Counter[str], filled: dict[str, int], parse: Parse, kind: ColumnType
) -> dict[str, Any]:
    """Counts over all rows; smallest and largest in the column's own order."""
    rows, given = sum(counts.values()), sum(filled.values())
    found: dict[str, Any] = {"count": given, "empty": rows - given, "distinct": len(filled)}
    if kind != "text":
        values = {text: value for text in filled if (value := parse(text)) is not None}
        # Filled cells that are not of the column's type: they have no value, only their text.
        found["odd"] = sum(count for text, count in filled.items() if text not in values)
        ordered: Sequence[Any] = sorted(values.values())
        if ordered and kind != "boolean":
            found |= {"min": ordered[0], "max": ordered[-1]}
    common = sorted(filled, key=lambda text: (-filled[text], text))[:TOP_VALUES]
    found["top"] = [[text[:LONGEST_VALUE], filled[text]] for text in common if filled[text] > 1]
    return found
