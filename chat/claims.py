"""What a text says, as sets that can be looked for elsewhere. Pure functions; knows no passage."""

import re
from dataclasses import dataclass, replace

from chat.quantities import Figure, designations, figures
from chat.words import FILLER, amounts, content_words, is_negated, names, numbers, stem

# A denial in one of these parts of a sentence says nothing about the others.
CLAUSE = re.compile(r"[;|]|[.!?]\s|,\s+(?=(?:which|who|but|and|no)\b)")


@dataclass(frozen=True)
class Claim:
    """The facts of a text: its words, figures, names, and what it denies."""

    words: frozenset[str]
    numbers: frozenset[str]
    names: frozenset[str]
    # Figures with the word after them, where one follows: 24 month.
    amounts: frozenset[tuple[str, str]]
    # Each clause: its words, and whether it denies something.
    clauses: tuple[tuple[frozenset[str], bool], ...]
    # Quantities and codes in the order of the text, sizes of products left out.
    figures: tuple[Figure, ...]
    # Products with their size: heron 80.
    designations: frozenset[str]

    def denies(self, words: frozenset[str]) -> bool:
        """Whether what is said about these words is denied; other clauses say nothing of them."""
        return sum(denied for held, denied in self.clauses if held & words) % 2 == 1

    @property
    def plain_words(self) -> frozenset[str]:
        """The words without quantities and codes: what the figures are said of."""
        values = {figure.value for figure in self.figures}
        sizes = {part for name in self.designations for part in name.split()}
        return frozenset(
            word for word in self.words if word in sizes or not (word.isdigit() or word in values)
        )

    def __or__(self, other: "Claim") -> "Claim":
        return replace(
            self,
            words=self.words | other.words,
            numbers=self.numbers | other.numbers,
            names=self.names | other.names,
            designations=self.designations | other.designations,
        )


def claim_of(text: str) -> Claim:
    """Reads a sentence, or a whole passage."""
    return Claim(
        frozenset(content_words(text)),
        frozenset(numbers(text)),
        frozenset(names(text)),
        frozenset(amounts(text)),
        tuple(
            (frozenset(content_words(clause)), is_negated(clause)) for clause in CLAUSE.split(text)
        ),
        tuple(figures(text)),
        frozenset(designations(text)),
    )


def weight(words: frozenset[str]) -> float:
    """How much words say: figures and codes twice as much as others."""
    return sum(2.0 if any(c.isdigit() for c in word) else 1.0 for word in words)


def coverage(words: frozenset[str], held: frozenset[str]) -> float:
    """Share of the words that are held; figures count twice."""
    total = weight(words)
    return weight(words & held) / total if total else 0.0


def is_spelled(name: str, held: frozenset[str]) -> bool:
    """Whether a name is among the held words, with its hyphens or without.

    The halves of a compound may stand apart, HIV-positive; those of a code may not, SK-17.
    """
    if name in held or name.replace("-", "") in held:
        return True
    parts = name.split("-")
    if len(parts) == 1 or any(c.isdigit() for c in name):
        return any(name == other.replace("-", "") for other in held if "-" in other)
    return all(part in FILLER or stem(part) in held for part in parts)
