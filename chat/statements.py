"""What a passage states, one sentence or table row at a time. Pure functions."""

from dataclasses import dataclass

from chat.claims import Claim, claim_of
from chat.rows import Row, read_rows
from chat.sentences import Span, split_sentences


@dataclass(frozen=True)
class Statement:
    """A sentence or a row of a passage, with the claim it makes."""

    span: Span
    # Its words; those of a row with the names of its columns, which may stand lines above it.
    text: str
    claim: Claim
    row: Row | None = None
    # What the sentence before it says, which a pronoun may stand for.
    before: Claim | None = None


def read_statements(text: str) -> list[Statement]:
    """The sentences and rows of a text, in order."""
    rows = {row.span: row for row in read_rows(text)}
    prose = list(text)
    for start, end in rows:
        prose[start:end] = "\n" * (end - start)
    spans = sorted([*rows, *split_sentences("".join(prose))])
    stated: list[Statement] = []
    for span in spans:
        follows = bool(stated) and stated[-1].row is None and span not in rows
        before = stated[-1].claim if follows else None
        words = _spoken(text, span, rows.get(span))
        stated.append(Statement(span, words, claim_of(words), rows.get(span), before))
    return stated


def _spoken(text: str, span: Span, row: Row | None) -> str:
    if row is None:
        return text[span.start : span.end]
    cells = (f"{cell.header}: {cell.value}" if cell.header else cell.value for cell in row.cells)
    return "; ".join([*([row.header] if row.header else []), *cells])
