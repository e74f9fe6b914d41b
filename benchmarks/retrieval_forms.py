"""What a folder that retrieval is measured on holds, whatever its form. Knows no file."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Text:
    """A passage that the folder gives as it is."""

    id: str
    title: str
    text: str
    headings: tuple[str, ...] = ()
    # The document that it is a part of, where the folder says so.
    parent: str = ""


@dataclass(frozen=True)
class Gold:
    """What answers a question: documents or passages by name, with pages or words if known."""

    name: str = ""
    grade: float = 1.0
    pages: tuple[int, ...] = ()
    words: str = ""

    def names(self, unit: str) -> bool:
        """Whether it can be looked for by pages, by evidence or as a whole."""
        return bool({"page": self.pages, "evidence": self.words}.get(unit, self.name))


@dataclass(frozen=True)
class Question:
    """A question, what was asked before it, and what answers it."""

    id: str
    text: str
    gold: tuple[Gold, ...]
    earlier: tuple[str, ...] = ()

    def names(self, unit: str) -> bool:
        """Whether something that answers it is named as exactly as that."""
        return any(one.names(unit) for one in self.gold)


@dataclass
class Folder:
    """What was read: texts or files, and the questions that can be measured."""

    name: str
    form: str
    # What a hit is, the most exact first: "passage", "page", "evidence", "document".
    units: tuple[str, ...]
    questions: list[Question]
    texts: list[Text] = field(default_factory=list)
    # Name below docs/ -> where it is.
    files: dict[str, Path] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
