"""A table as planning sees it: its columns, and where texts of a question stand in it.

A short table is read whole; of a long one only the rows that hold a text of the question, found by
their keys. Knows no plan.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from knowledge.blocks import Cell
from knowledge.exact.words import FILLER, stem, stems, tokens
from knowledge.models import Table
from knowledge.rows import normalised
from knowledge.storing import READ_WHOLE
from knowledge.tables.units import without_unit

LONGEST_SPAN = 12
# Of a long table: rows that hold the question's texts.
MATCHED_ROWS = 500
# Words in the cells of a column, on average, from which on they are sentences.
WORDY_FROM = 6


@dataclass(frozen=True)
class ViewColumn:
    """A column, its name as stems without its unit, and with it."""

    index: int
    name: str
    type: str
    unit: str
    words: tuple[str, ...]
    statistics: dict[str, Any]
    all_words: frozenset[str] = frozenset()

    @property
    def is_number(self) -> bool:
        """Whether its values can be added."""
        return self.type in ("integer", "decimal")

    @property
    def is_ordered(self) -> bool:
        """Whether its values have a smallest and a largest."""
        return self.is_number or self.type == "date"

    @property
    def is_whole(self) -> bool:
        """Whether every filled cell has a value."""
        return not self.statistics.get("odd")

    @property
    def is_unique(self) -> bool:
        """Whether no two rows say the same."""
        count = int(self.statistics.get("count", 0))
        return count > 0 and self.statistics.get("distinct") == count


@dataclass(frozen=True)
class ViewRow:
    """A row that planning may look at."""

    number: int
    texts: tuple[str, ...]
    cells: tuple[Cell, ...]


@dataclass
class TableView:
    """Columns, rows, and the places of texts."""

    table: Table
    columns: tuple[ViewColumn, ...]
    rows: list[ViewRow]
    row_count: int
    # Stems of the table's name, of its document's title as well, and of the question.
    name: frozenset[str] = frozenset()
    title: frozenset[str] = frozenset()
    asked: frozenset[str] = frozenset()
    # Normalised text → column → the texts as shown.
    whole: dict[str, dict[int, set[str]]] = field(default_factory=dict)
    # Word → normalised texts of several words that hold it.
    holding: dict[str, set[str]] = field(default_factory=dict)
    # Columns of sentences rather than names: one word found in them says little.
    wordy: set[int] = field(default_factory=set)

    def parts(self, span: Sequence[str]) -> dict[int, set[str]]:
        """Columns whose cells hold the span among other words, with the texts as shown."""
        if all(word in FILLER or (word.isdigit() and len(word) < 4) for word in span):
            return {}
        candidates = set.intersection(*(self.holding.get(word, set()) for word in span))
        joined = f" {' '.join(span)} "
        found: dict[int, set[str]] = defaultdict(set)
        for text in candidates:
            if joined in f" {text} ":
                for column, shown in self.whole[text].items():
                    if len(span) > 1 or column not in self.wordy:
                        found[column] |= shown
        return found

    def rows_with(self, column: int, shown: Iterable[str]) -> list[ViewRow]:
        """Rows whose cell is one of these texts."""
        wanted = set(shown)
        return [row for row in self.rows if row.texts[column] in wanted]


def view_of(table: Table, question: str) -> TableView:
    """What planning needs of the table for this question."""
    columns = tuple(
        ViewColumn(
            index,
            column["name"],
            column["type"],
            column.get("unit", ""),
            stems(without_unit(column["name"])),
            column.get("statistics", {}),
            frozenset(stems(column["name"])),
        )
        for index, column in enumerate(table.columns)
    )
    rows = table.rows.filter(is_total=False).order_by("number")
    if table.row_count > READ_WHOLE:
        rows = rows.filter(keys__overlap=_spans(question))[:MATCHED_ROWS]
    read = [
        ViewRow(number, tuple(texts), tuple(cells))
        for number, texts, cells in rows.values_list("number", "texts", "cells")
    ]
    said = frozenset(stems(question)) - frozenset(map(stem, FILLER))
    name = frozenset(stems(table.name))
    title = name | frozenset(stems(table.version.document.title))
    view = TableView(table, columns, read, table.row_count, name, title, said)
    _index(view)
    return view


def _spans(question: str) -> list[str]:
    """All runs of words that could be a cell."""
    words = tokens(question)
    return [
        " ".join(words[start:end])
        for start in range(len(words))
        for end in range(start + 1, min(len(words), start + LONGEST_SPAN) + 1)
        if not all(word in FILLER for word in words[start:end])
    ]


def _index(view: TableView) -> None:
    whole: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    holding: dict[str, set[str]] = defaultdict(set)
    for row in view.rows:
        for column, text in enumerate(row.texts):
            plain = normalised(text) if text else ""
            if not plain:
                continue
            whole[plain][column].add(text)
            words = plain.split()
            if 1 < len(words) <= 60:
                for word in words:
                    holding[word].add(plain)
    view.whole, view.holding = whole, holding
    view.wordy = _wordy(view)


def _wordy(view: TableView) -> set[int]:
    """Columns whose different cells have many words on average."""
    lengths: dict[int, list[int]] = defaultdict(list)
    for text, columns in view.whole.items():
        for column in columns:
            lengths[column].append(len(text.split()))
    return {column for column, found in lengths.items() if sum(found) > WORDY_FROM * len(found)}
