"""A question read against one table: which words name columns, values and numbers, and which say
nothing that the table knows. Knows no plan and no database.

Each word is used once: the longest match wins, values of cells before names of columns.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from knowledge.exact.views import TableView, ViewColumn
from knowledge.exact.words import (
    ASKING,
    FILLER,
    NEVER,
    NUMERALS,
    ORDINALS,
    PEOPLE,
    PERSONS,
    SYNONYMS,
    VERBS,
    stem,
    tokens,
)
from knowledge.tables.units import unit_of
from knowledge.tables.values import number_of

LONGEST_SPAN = 12


@dataclass(frozen=True)
class Span:
    """Words of the question, end excluded."""

    start: int
    end: int

    def __contains__(self, index: object) -> bool:
        return isinstance(index, int) and self.start <= index < self.end


@dataclass(frozen=True)
class Mention:
    """Words that stand in cells: by column, the texts as the cells show them."""

    span: Span
    columns: dict[int, frozenset[str]]
    is_whole: bool


@dataclass(frozen=True)
class Figure:
    """A number in the question."""

    span: Span
    value: int | float
    is_ordinal: bool = False

    @property
    def is_year(self) -> bool:
        """Whether it may be a year."""
        return isinstance(self.value, int) and 1500 <= self.value <= 2150 and not self.is_ordinal


@dataclass(frozen=True)
class ColumnMention:
    """Words that name a column; `share` is how much of its name they say."""

    span: Span
    column: ViewColumn
    share: float


@dataclass
class Reading:
    """The question's words and what they mean in this table."""

    view: TableView
    question: str
    words: tuple[str, ...]
    values: list[Mention] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    columns: list[ColumnMention] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The words with single spaces."""
        return " ".join(self.words)

    @property
    def spans(self) -> list[Span]:
        """The words of every mention and figure."""
        found = [one.span for one in self.values] + [one.span for one in self.columns]
        return found + [one.span for one in self.figures]

    def unread(self, explained: Iterable[Span]) -> list[str]:
        """Words that neither these spans nor common speech account for."""
        spans = list(explained)
        return [
            word
            for index, word in enumerate(self.words)
            if word not in FILLER | VERBS
            and stem(word) not in self.view.title
            and not any(index in span for span in spans)
        ]

    def strangers(self) -> list[str]:
        """Words that neither name anything here nor belong to asking: what they mean is unknown."""
        names = {word for column in self.view.columns for word in column.words} | self.view.title
        persons = [] if names & PERSONS else [word for word in self.words if word in PEOPLE]
        return persons + [
            word
            for word in self.unread(self.spans)
            if word not in ASKING | NUMERALS.keys() | ORDINALS.keys() and not unit_of(word)
        ]

    def unread_alone(self, explained: Iterable[Span]) -> list[str]:
        """The same, but for the noun that a read word leads to: “hard surface *courts*”."""
        spans = list(explained)
        heads = [
            Span(span.end, span.end + 1)
            for span in spans
            if span.end < len(self.words) and not any(span.end in other for other in spans)
        ]
        alone = self.unread(spans)
        return alone if len(alone) > 1 else self.unread([*spans, *heads])

    def column_at(self, start: int, end: int) -> ColumnMention | None:
        """The first column that is named wholly between these words."""
        inside = [one for one in self.columns if start <= one.span.start and one.span.end <= end]
        return min(inside, key=lambda one: (one.span.start, -one.share), default=None)


def read_question(question: str, view: TableView) -> Reading:
    """All that the words name."""
    reading = Reading(view, question, tokens(question))
    taken: set[int] = set()
    _find_values(reading, taken, whole=True)
    _find_columns(reading, taken, share=1.0)
    _find_letters(reading, taken)
    _find_values(reading, taken, whole=False, shortest=2)
    _find_columns(reading, taken, share=0.0)
    _find_values(reading, taken, whole=False)
    _find_figures(reading, taken)
    reading.values.sort(key=lambda one: one.span.start)
    reading.columns.sort(key=lambda one: one.span.start)
    return reading


def _runs(length: int, taken: set[int]) -> Iterable[Span]:
    """Runs of free words, longest first."""
    for size in range(min(length, LONGEST_SPAN), 0, -1):
        for start in range(length - size + 1):
            if not any(index in taken for index in range(start, start + size)):
                yield Span(start, start + size)


def _find_values(reading: Reading, taken: set[int], *, whole: bool, shortest: int = 1) -> None:
    names = {column.words for column in reading.view.columns}
    for span in _runs(len(reading.words), taken):
        words = reading.words[span.start : span.end]
        if len(words) < shortest or (len(words) == 1 and words[0] in NEVER):
            continue
        if any(index in taken for index in range(span.start, span.end)) or not _may_name(words):
            continue
        if not whole and all(stem(word) in reading.view.title for word in words):
            # What the whole table is about is no mark of some of its rows.
            continue
        text = " ".join(words)
        found = (
            _cells(reading.view, text)
            if whole and tuple(map(stem, words)) not in names
            else {}
            if whole
            else reading.view.parts(words)
        )
        if found:
            columns = {column: frozenset(shown) for column, shown in found.items()}
            reading.values.append(Mention(span, columns, whole))
            taken |= set(range(span.start, span.end))


def _find_letters(reading: Reading, taken: set[int]) -> None:
    """“Class A”: a letter that would be an article elsewhere, after its column's name."""
    for named in list(reading.columns):
        place = named.span.end
        if place >= len(reading.words) or place in taken or len(reading.words[place]) > 1:
            continue
        letter = reading.words[place].upper()
        shown = reading.view.whole.get(letter.lower(), {}).get(named.column.index)
        if shown and letter.isalpha() and re.search(rf"\b{letter}\b", reading.question):
            columns = {named.column.index: frozenset(shown)}
            reading.values.append(Mention(Span(place, place + 1), columns, True))
            taken.add(place)


def _cells(view: TableView, text: str) -> dict[int, set[str]]:
    """Whole cells that say this; a plural may stand for one of them."""
    found = view.whole.get(text)
    if not found and text.endswith("s") and len(text) > 3:
        found = view.whole.get(text[:-1])
    return found or {}


def _may_name(words: Sequence[str]) -> bool:
    """Figures are read apart; common words name nothing, alone or at the edge."""
    if all(word in FILLER or word in ORDINALS or word in NUMERALS for word in words):
        return False
    if len(words) == 1 and number_of(words[0]) is not None:
        return False
    return not (len(words) > 1 and (words[-1] in FILLER and words[0] in FILLER))


def _find_columns(reading: Reading, taken: set[int], *, share: float) -> None:
    """Columns by their whole name first, then by the words that only one of them bears."""
    stemmed = [stem(word) for word in reading.words]
    if share == 1.0:
        for span in _runs(len(stemmed), taken):
            run = tuple(stemmed[span.start : span.end])
            named = [column for column in reading.view.columns if column.words == run]
            if len(named) == 1 and not any(i in taken for i in range(span.start, span.end)):
                reading.columns.append(ColumnMention(span, named[0], 1.0))
                taken |= set(range(span.start, span.end))
        return
    for index, word in enumerate(stemmed):
        if index in taken or (reading.words[index] in FILLER and word not in SYNONYMS):
            continue
        if column := _bearing(reading.view, word):
            mention = ColumnMention(Span(index, index + 1), column, 1 / len(column.words))
            reading.columns.append(mention)
            taken.add(index)


def _bearing(view: TableView, word: str) -> ViewColumn | None:
    """The only column whose name holds the word, or one of its synonyms as the whole name."""
    named = [column for column in view.columns if word in column.words]
    # A unit names its column, too: “more than 100 euros”.
    named = named or [column for column in view.columns if word in column.all_words]
    for other in () if named else SYNONYMS.get(word, ()):
        if named := [column for column in view.columns if stem(other) in column.all_words]:
            break
    return named[0] if len(named) == 1 else None


def _find_figures(reading: Reading, taken: set[int]) -> None:
    for index, word in enumerate(reading.words):
        if index in taken:
            continue
        span = Span(index, index + 1)
        if word in NUMERALS:
            reading.figures.append(Figure(span, NUMERALS[word]))
        elif word in ORDINALS:
            reading.figures.append(Figure(span, ORDINALS[word], is_ordinal=True))
        elif (found := number_of(word)) is not None:
            is_ordinal = word[-2:] in ("st", "nd", "rd", "th")
            reading.figures.append(Figure(span, found.value, is_ordinal))
