"""Whether a figure of a sentence belongs to what the sentence says, where a passage holds it.

A number proves nothing by standing somewhere in a passage: it must stand in the same row and below
the column that is named, or in the part of a sentence that speaks of the same thing, and no other
row or sentence may fit the words better with a figure of its own. Pure functions.
"""

import re
from collections.abc import Sequence

from chat.claims import Claim, claim_of, weight
from chat.quantities import DESIGNATION, Figure
from chat.rows import Cell, Row
from chat.statements import Statement
from chat.words import content_words

PART = re.compile(r"[;:,](?=\s)|\b(?:and|or|but|while|whereas)\b")
# How much better another statement must fit, in words, before it takes the figure away.
# A terse answer says too little itself, and much of the question need not stand beside its figure.
MARGIN, TERSE_MARGIN = 1.0, 2.0


def is_misplaced(
    claim: Claim,
    about: Claim | None,
    held: Sequence[Statement],
    others: Sequence[Statement],
    *,
    context: Claim,
) -> bool:
    """Whether a figure of the claim says something else in the statements that hold it.

    `about` is the question of a terse claim, `context` what title and headings say.
    """
    asked = claim if about is None else claim | about
    margin = MARGIN if about is None else TERSE_MARGIN
    return any(
        not _belongs(figure, asked, held) or _fits_elsewhere(figure, asked, held, others, margin)
        for figure in claim.figures
        if not (_is_name(figure) and _holds(context, figure))
    )


def _is_name(figure: Figure) -> bool:
    """Whether a title may stand for it: codes, dates and years, but not the number of a section."""
    return figure.kind.startswith(("code", "point")) or len(figure.value) >= 4


def _belongs(figure: Figure, asked: Claim, held: Sequence[Statement]) -> bool:
    return any(
        _is_column(figure, asked, each.row) if each.row else _is_part(figure, asked, each)
        for each in held
        if _holds(each.claim, figure)
    )


def _holds(claim: Claim, figure: Figure) -> bool:
    return any(own.value == figure.value for own in claim.figures)


def _is_part(figure: Figure, asked: Claim, held: Statement) -> bool:
    """Whether the part of the sentence that holds the figure speaks of what is asked by name.

    A part that names nothing goes on with what the part before it named.
    """
    named: frozenset[str] = frozenset()
    for part in PART.split(_spelled_out(held.text)):
        spoken = claim_of(part)
        here = spoken.designations or (held.claim.names & spoken.words) - {figure.value}
        named = here or named
        if not _holds(spoken, figure) or _is_other_count(figure, held.claim):
            continue
        wanted = asked.designations if spoken.designations else asked.names | asked.words
        elsewhere = wanted & (held.claim.designations | held.claim.names)
        if not named or named & wanted or not elsewhere:
            return True
    return False


def _spelled_out(text: str) -> str:
    """Heron 40, 80 and 120 as Heron 40 Heron 80 Heron 120: one part, not three."""
    return DESIGNATION.sub(
        lambda found: " ".join(f"{found[1]} {size}" for size in re.findall(r"\d+", found[2])), text
    )


def _is_other_count(figure: Figure, held: Claim) -> bool:
    """Whether something else is counted so, where a figure of this kind stands beside it."""
    kinds = {own.kind for own in held.figures if own.value == figure.value}
    rivals = {own.kind for own in held.figures if own.value != figure.value}
    return bool(figure.kind) and figure.kind not in kinds and figure.kind in rivals


def _is_column(figure: Figure, asked: Claim, row: Row) -> bool:
    """Whether no other column of the row fits the sentence better than the figure's own."""
    cells = [cell for cell in row.cells if _holds(claim_of(cell.value), figure)]
    if not row.is_certain and not _is_told_by_unit(figure, row):
        return sum(bool(claim_of(cell.value).figures) for cell in row.cells) <= 1
    return any(
        not any(_takes_it(figure, asked, cell, other) for other in row.cells if other != cell)
        for cell in cells
    )


def _is_told_by_unit(figure: Figure, row: Row) -> bool:
    same = [own for cell in row.cells for own in claim_of(cell.value).figures]
    return bool(figure.kind) and [own.kind for own in same].count(figure.kind) == 1


def _takes_it(figure: Figure, asked: Claim, own: Cell, other: Cell) -> bool:
    """Whether the sentence names the other column, whose value it leaves out, and not this one."""
    words = asked.words - {figure.value}
    value = frozenset(content_words(other.value)) - frozenset(content_words(own.value))
    if value & words or not other.value:
        return False
    if figure.kind and figure.kind in _units(own) and figure.kind not in _units(other):
        return False
    return _fit(other, asked) > _fit(own, asked)


def _units(cell: Cell) -> frozenset[str]:
    kinds = {own.kind for own in claim_of(cell.value).figures}
    return frozenset(content_words(cell.header)) | kinds


def _fit(cell: Cell, asked: Claim) -> tuple[float, float]:
    """How many of the column's words the sentence says, and which share of them."""
    header = claim_of(cell.header)
    names = len(header.designations & asked.designations)
    said = names + weight(header.words & asked.words)
    return said, said / (weight(header.words) or 1.0)


def _fits_elsewhere(
    figure: Figure,
    asked: Claim,
    held: Sequence[Statement],
    rivals: Sequence[Statement],
    margin: float,
) -> bool:
    """Whether another statement says more of the words, with another figure of the same kind."""
    words = asked.plain_words
    best = max(
        (_reach(words, each, figure.kind) for each in held if _holds(each.claim, figure)),
        default=0.0,
    )
    return any(
        _reach(words, rival, figure.kind) >= best + margin
        for rival in rivals
        if _is_rival(figure, rival) and not _holds(rival.claim, figure)
    )


def _is_rival(figure: Figure, other: Statement) -> bool:
    """Whether a statement has a figure that could stand in place of this one."""
    kinds = {own.kind for own in other.claim.figures}
    # A table's unit may stand in its header, or nowhere.
    return figure.kind in kinds or bool(
        other.row and not figure.kind.startswith("code") and "" in kinds
    )


def _reach(words: frozenset[str], held: Statement, kind: str) -> float:
    """Words that a statement says; by half those of the sentence before, unless it counts too."""
    own = words & held.claim.words
    before = held.before
    if before is None or any(figure.kind == kind for figure in before.figures):
        return weight(own)
    return weight(own) + 0.5 * weight((words & before.words) - own)
