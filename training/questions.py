"""A passage's own words as questions with answers: by its headings, definitions, figures and rows.

Rules, no model: the same passage always gives the same questions, and each answer stands in it word
for word. Pure functions; knows no database.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chat.sentences import RECORD, split_sentences

SHORTEST, LONGEST = 20, 400
# Said of nothing that a question could name.
_EMPTY = {
    *("this", "that", "these", "those", "it", "they", "he", "she", "we", "you", "there", "here"),
    *("what", "which", "who", "such", "one", "both", "dies", "diese", "dieser", "dieses", "es"),
    *("sie", "er", "wir", "ihr", "man", "hier", "dort", "beide"),
}
_ARTICLES = {
    *("the", "a", "an", "each", "every", "all", "der", "die", "das", "ein", "eine"),
    *("jede", "jeder", "jedes", "alle"),
}
_DEFINED = re.compile(
    r"(?:(?:A|An|The|Der|Die|Das|Ein|Eine)\s)?(?P<term>[A-ZÄÖÜ][^,.;:()]{1,60}?)\s"
    r"(?:(?:is|are)\s(?:an?|the|any)|means|refers\sto|(?:ist|sind)\s(?:eine?|der|die|das)|bedeutet"
    r"|bezeichnet)\s"
)
_STATED = re.compile(
    r"(?P<subject>[A-ZÄÖÜ][^,.;:()]{3,80}?)\s(?:is|are|was|lasts?|takes?|costs?|weighs?|holds?|must|"
    r"may|can|has|have|needs?|applies|apply|begins?|ends?|amounts?|ist|sind|beträgt|dauert|kostet|"
    r"wiegt|muss|müssen|darf|dürfen|kann|können|hat|haben|gilt|gelten|beginnt|endet)\b[^.]*\d"
)
_WORDS = {
    "English": ("What is {0}?", "What does {1} say about {0}?", "What is the {0} of {1}?"),
    "German": (
        "Was ist {0}?",
        "Was steht in {1} über {0}?",
        "Was ist bei {1} unter {0} angegeben?",
    ),
}


@dataclass(frozen=True)
class Candidate:
    """A question, and the words of the passage that answer it."""

    kind: str
    question: str
    answer: str
    # Parts of the answer; a passage that holds them all answers it, too.
    core: tuple[str, ...]

    def is_answered_by(self, text: str) -> bool:
        """Whether another passage would do as well."""
        plain = _plain(text)
        return all(_plain(part) in plain for part in self.core)


def questions_from(
    text: str, *, title: str, headings: Sequence[str] = (), language: str = "English"
) -> Iterator[Candidate]:
    """All questions that the passage answers by itself."""
    defined, about, of_row = _WORDS.get(language, _WORDS["English"])
    sentences = [text[span.start : span.end].strip() for span in split_sentences(text)]
    prose = [one for one in sentences if SHORTEST <= len(one) <= LONGEST and _is_prose(one)]
    for sentence in sentences:
        if RECORD.match(sentence):
            yield from _rows(sentence, of_row)
    for sentence in prose:
        if (found := _DEFINED.match(sentence)) and _names(found["term"]):
            question = defined.format(_inside(sentence[: found.end("term")]))
            yield Candidate("definition", question, sentence, (sentence,))
        elif (found := _STATED.match(sentence)) and _names(found["subject"]):
            question = about.format(_inside(found["subject"]), title)
            yield Candidate("figure", question, sentence, (sentence,))
    if headings and prose and _names(headings[-1]):
        question = about.format(f"“{headings[-1]}”", title)
        yield Candidate("heading", question, prose[0], (prose[0],))


def _rows(record: str, of_row: str) -> Iterator[Candidate]:
    """The first cell names the row; every other is asked for."""
    cells = [cell.partition(": ") for cell in record.rstrip(".").split("; ")]
    filled = [(name.strip(), value.strip()) for name, _, value in cells if value.strip()]
    if len(filled) < 2:
        return
    key = filled[0][1]
    for column, value in filled[1:]:
        if len(value) <= LONGEST and any(char.isalpha() for char in key):
            question = of_row.format(column, key)
            yield Candidate("table row", question, f"{key} – {column}: {value}.", (key, value))


def _is_prose(sentence: str) -> bool:
    return sentence[-1:] in ".!…" and "|" not in sentence and not RECORD.match(sentence)


def _names(subject: str) -> bool:
    words = subject.casefold().split()
    return bool(words) and words[0] not in _EMPTY and any(char.isalpha() for char in subject)


def _inside(subject: str) -> str:
    """As it stands in the middle of a sentence: an article begins small."""
    first, _, rest = subject.partition(" ")
    return f"{first.lower()} {rest}" if first.casefold() in _ARTICLES and rest else subject


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
