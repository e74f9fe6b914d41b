"""Figures of a text with what they count, codes with their family, and sizes that are names.

Tells "24 months" from "24 hours", and both from the 24 of a product "Heron 24". Pure functions.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from chat.words import FILLER, MONTHS, NEGATIONS, NUMERALS, figure_of, normalised, stem

UNIT = (
    r"(?:hours?|days?|weeks?|months?|years?|minutes?|seconds?|percent|euro?s?|dollars?|pounds?|bar"
    r"|[kmc]?m|[km]?g|[kM]?W|[kmM]?V|Nm|rpm|litres?|degrees?|C|F|dB|volts?|watts?|grams?|metres?)"
)
_MORE = r"(?:\s*,\s+|,?\s+(?:and|or)\s+)"
# A product and its sizes: Heron 160; Heron 40, 80 and 120. Never a word before a quantity.
DESIGNATION = re.compile(
    rf"\b([A-Z][a-z]{{2,}})\s+(\d+(?:{_MORE}\d+(?!\w|[.,]\d))*)(?!\w|[.,:-]?\d|\s*[%°/]|\s+{UNIT}\b)"
)
# A code, a date, a time or a number, as one token.
TOKEN = re.compile(r"[^\W_]+(?:[-.,:][^\W_]+)*")
NUMERIC = re.compile(r"\d[\d.,]*")
WITH_UNIT = re.compile(r"(\d[\d.,]*)([^\W\d_]+)")
ONE_VALUE = re.compile(r"\d{4}-\d\d-\d\d|\d+:\d\d|\d+(?:\.\d+){2,}")
NEXT_WORD = re.compile(r"[ \t-]+([^\W\d_]+)")
SHARES = re.compile(r"(?:,|\s+(?:to|or|and|by|x)|\s*[–-])\s*(?=\d)")
LETTERS = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class Figure:
    """A quantity with what it counts, or a code with the letters that it begins with."""

    value: str
    kind: str = ""


def designations(text: str) -> set[str]:
    """Products with their size, one by one: heron 40, heron 80."""
    return {
        f"{match[1].lower()} {size}"
        for match in _designations(text)
        for size in re.findall(r"\d+", match[2])
    }


def figures(text: str) -> list[Figure]:
    """Quantities and codes in the order of the text, without the sizes of products."""
    plain = normalised(text)
    sizes = [match.span(2) for match in _designations(plain)]
    found: list[Figure] = []
    shares = False
    for match in TOKEN.finditer(plain):
        if any(start <= match.start() < end for start, end in sizes):
            continue
        here = list(_read(match[0], plain[match.end() :]))
        if not here:
            continue
        if shares:
            # 24 or 36 months: both count months.
            found[-1] = replace(found[-1], kind=here[0].kind)
        shares = not here[-1].kind and bool(SHARES.match(plain, match.end()))
        found += here
    return found


def _designations(text: str) -> Iterator[re.Match[str]]:
    for match in DESIGNATION.finditer(text):
        if match[1].lower() not in FILLER | NEGATIONS | MONTHS.keys() | NUMERALS.keys():
            yield match


def _read(token: str, following: str) -> Iterator[Figure]:
    """The figures of one token; what follows tells what they count."""
    if token.lower() in NUMERALS:
        yield Figure(NUMERALS[token.lower()], _unit(following))
    elif not any(c.isdigit() for c in token):
        return
    elif ONE_VALUE.fullmatch(token):
        yield Figure(token, "point")
    elif found := WITH_UNIT.fullmatch(token):
        yield Figure(figure_of(found[1]), stem(found[2].lower()))
    elif LETTERS.search(token):
        if any(c.isupper() for c in token):
            letters = LETTERS.match(token)
            yield Figure(token.lower(), f"code {letters[0].lower() if letters else ''}")
        elif number := NUMERIC.match(token):
            # 24-month, 5-year
            yield Figure(figure_of(number[0].rstrip(".,")), _unit(token[number.end() :]))
    else:
        parts = token.split("-")
        for part in parts:
            yield Figure(figure_of(part.replace(":", ".")), _unit(following))


def _unit(following: str) -> str:
    """What a figure counts, if a word says so right after it."""
    found = NEXT_WORD.match(following)
    word = found[1].lower() if found else ""
    return "" if word in FILLER | NEGATIONS else stem(word)
