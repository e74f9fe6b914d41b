"""Which column of a table holds the question, which the answer: guessed by name, or chosen.

Pure functions over names; knows no file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Self

# What such columns are called, the likeliest first, in the languages that we meet most.
NAMES = {
    "question": (
        *("question", "prompt", "instruction", "query", "user", "input", "q"),
        *("frage", "pregunta", "domanda", "pergunta", "vraag", "anfrage"),
    ),
    "answer": (
        *("answer", "response", "output", "completion", "reply", "assistant", "a"),
        *("antwort", "respuesta", "réponse", "reponse", "risposta", "resposta", "antwoord"),
    ),
    "context": ("context", "input", "kontext", "contexte", "contexto", "passage"),
    "system": ("system", "system prompt", "system message", "systemprompt", "rolle"),
    "source": ("source", "document", "file", "reference", "quelle", "fuente", "fonte", "dokument"),
}


@dataclass(frozen=True)
class Columns:
    """Names of the columns; empty where there is none."""

    question: str
    answer: str
    context: str = ""
    system: str = ""
    source: str = ""

    @classmethod
    def complete(cls, names: Mapping[str, str]) -> Self | None:
        """From the names by field, if question and answer are among them and no name is twice."""
        known = {field.name for field in fields(cls)}
        given = {field: name for field, name in names.items() if name and field in known}
        if not given.get("question") or not given.get("answer"):
            return None
        return cls(**given) if len(set(given.values())) == len(given) else None

    def chosen(self) -> set[str]:
        """The names that mean something."""
        return set(self.as_dict().values())

    def as_dict(self) -> dict[str, str]:
        """For the row; without what is empty."""
        return {field: name for field, name in asdict(self).items() if name}


def guess_columns(header: Sequence[str]) -> dict[str, str]:
    """The column of each field, as far as its name tells; a column has one meaning at most."""
    found: dict[str, str] = {}
    by_name = {_plain(name): name for name in reversed(header)}
    for field, names in NAMES.items():
        for name in names:
            column = by_name.get(name)
            if column is not None and column not in found.values():
                found[field] = column
                break
    return found


def is_plain(header: Sequence[str]) -> bool:
    """Whether the columns are called as we call them, so that nobody needs to choose."""
    return {"question", "answer"} <= {_plain(name) for name in header}


def _plain(name: str) -> str:
    return " ".join(name.replace("_", " ").replace("-", " ").casefold().split())
