"""What "the second one" means: an item of what was said before.

Items are list marks, rows of a table, paragraphs, or the parts of "A, B and C". Pure functions;
knows no search.
"""

import re

from chat.sentences import split_sentences
from chat.statements import read_statements
from chat.words import FILLER, NEGATIONS, TOKEN

PLACES = {
    **{word: place for place, words in enumerate(
        ("first 1st former", "second 2nd", "third 3rd", "fourth 4th", "fifth 5th", "sixth 6th")
    ) for word in words.split()},
    "last": -1, "latter": -1,
}  # fmt: skip
# "The first aid box" and "last year" point at nothing.
POINTED = re.compile(
    r"\b(?:the|that|your) (?:"
    r"(first|1st|second|2nd|third|3rd|fourth|4th|fifth|5th|sixth|6th|last)"
    r"(?: (?:one|item|point|option|step|entry|row|answer|of (?:them|these|those))\b"
    r"|\s*(?=[?.!,]|$))"
    r"|(former|latter)\b)",
    re.IGNORECASE,
)
MARKED = re.compile(r"^\s*(?:[-*+•]|\d{1,3}[.)])\s+(.+)$", re.MULTILINE)
ENUMERATED = re.compile(r"[^,;:.]+(?:,\s+[^,;:.]+)*,?\s+(?:and|or)\s+[^,;:.]+")
BETWEEN = re.compile(r",\s+(?:and\s+|or\s+)?|\s+(?:and|or)\s+")
# Words of an item that are searched with.
BORROWED = 12


def pointed_at(question: str, said: str) -> str:
    """The words of the item that the question points at; "" when it points at none."""
    found = POINTED.search(question)
    if not found:
        return ""
    items, place = items_of(said), PLACES[(found[1] or found[2]).lower()]
    if len(items) < 2 or place >= len(items):
        return ""
    words = [word for word in TOKEN.findall(items[place]) if word.lower() not in FILLER | NEGATIONS]
    return " ".join(words[:BORROWED])


def items_of(said: str) -> list[str]:
    """What was listed, in its order; nothing where there is no list."""
    rows = [each.text for each in read_statements(said) if each.row is not None]
    paragraphs = [part for part in said.split("\n\n") if part.strip()]
    for items in (MARKED.findall(said), rows, paragraphs):
        if len(items) > 1:
            return items
    spans = (said[start:end].rstrip(".!?") for start, end in split_sentences(said))
    listed = [BETWEEN.split(found[0]) for words in spans if (found := ENUMERATED.search(words))]
    return max(listed, key=len, default=[])
