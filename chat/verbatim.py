"""An answer of quotes alone: sentences of the documents, word for word, each with its citation.

Nothing in it is invented by construction: the text is cut from the passages and nothing else.
Knows no database and no model.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from chat.attribution import Attribution, Source
from chat.quoting import Quote
from chat.rendering import MarkedSentence, marks_after, opening, render_markdown
from chat.rows import Row, read_rows

# Sentences that stand for themselves at most; each may bring the one that it leans on.
MOST_QUOTES = 4
APART, NEXT_LINE = "\n\n", "\n"


def compose(quotes: Sequence[Quote], sources: Sequence[Source]) -> tuple[str, list[Attribution]]:
    """The answer's text and where each quote comes from; rows of a table follow line by line."""
    by_marker = {source.marker: source for source in sources}
    text, found = "", []
    before: Quote | None = None
    for quote in quotes:
        source = by_marker[quote.marker]
        words = source.text[quote.span.start : quote.span.end]
        if before is not None:
            text += NEXT_LINE if _are_rows(source, before, quote) else APART
        start = len(text)
        text += words
        found.append(Attribution(start, len(text), "supported", 1.0, quote.marker, quote.span))
        before = quote
    return text, found


def _are_rows(source: Source, before: Quote, quote: Quote) -> bool:
    """Whether both are lines of one table."""
    if before.marker != quote.marker:
        return False
    rows = [read_rows(source.text[each.span.start : each.span.end]) for each in (before, quote)]
    return all(rows) and _headers(rows[0][0]) == _headers(rows[1][0])


def _headers(row: Row) -> tuple[str, ...]:
    return tuple(cell.header for cell in row.cells)


def text_html(text: str, sentences: Sequence[MarkedSentence], *, is_quoted: bool) -> SafeString:
    """An answer's text with its sentences marked: as quotes, or as a model's Markdown."""
    render = quotes_html if is_quoted else render_markdown
    return render(text, sentences) if text else SafeString()


def quotes_html(text: str, sentences: Sequence[MarkedSentence]) -> SafeString:
    """The quotes as they stand, no character of theirs read as markup; rows become a table."""
    blocks = []
    for _, group in groupby(_with_rows(text, sentences), key=lambda each: each[0]):
        same = list(group)
        headers = same[0][0]
        if headers:
            blocks.append(_table(headers, [(row, one) for _, row, one in same if row]))
        else:
            blocks += [_paragraph(text, one) for _, _, one in same]
    return mark_safe("\n".join(blocks))


def _with_rows(
    text: str, sentences: Sequence[MarkedSentence]
) -> Iterator[tuple[tuple[str, ...], Row | None, MarkedSentence]]:
    """Each quote, as a row below its columns where it is one."""
    for sentence in sentences:
        rows = read_rows(text[sentence.start : sentence.end])
        is_row = len(rows) == 1 and all(_headers(rows[0]))
        yield (_headers(rows[0]), rows[0], sentence) if is_row else ((), None, sentence)


def _paragraph(text: str, sentence: MarkedSentence) -> str:
    words = text[sentence.start : sentence.end].split("\n")
    lines = format_html_join(mark_safe("<br>"), "{}", ((line,) for line in words))
    marks = marks_after(sentence)
    return format_html("<p>{}{}</span>{}</p>", opening(sentence), lines, marks)


def _table(headers: Sequence[str], rows: Sequence[tuple[Row, MarkedSentence]]) -> str:
    head = format_html_join("", '<th scope="col">{}</th>', ((name,) for name in headers))
    body = format_html_join("", "<tr>{}</tr>", ((_cells(row, one),) for row, one in rows))
    return format_html("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>", head, body)


def _cells(row: Row, sentence: MarkedSentence) -> SafeString:
    """The cells of a row; its citation stands behind the last one."""
    marks = ["" for _ in row.cells[1:]] + [marks_after(sentence)]
    start = opening(sentence)
    cells = ((start, cell.value, mark) for cell, mark in zip(row.cells, marks, strict=True))
    return format_html_join("", "<td>{}{}</span>{}</td>", cells)
