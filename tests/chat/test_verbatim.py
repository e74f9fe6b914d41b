"""An answer of quotes alone holds the documents' words and nothing else."""

import re
from html import unescape
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.attribution import Source
from chat.quoting import Quote
from chat.rendering import Chip, MarkedSentence
from chat.sentences import split_sentences
from chat.verbatim import compose, quotes_html

PROSE = Source(1, "Seals wear out. Order *SK-17* <b>now</b> [3].\nSee ![x](//evil).", "Parts")
TABLE = Source(
    2,
    "Part: Seal; Price: 48\nPart: Ring; Price: 12\nPart: Bolt; Price: 3\n\nAll in euros.",
    "Prices",
)


def everything(source):
    return [Quote(source.marker, span) for span in split_sentences(source.text)]


def shown(*sources):
    quotes = [quote for source in sources for quote in everything(source)]
    text, found = compose(quotes, sources)
    marks = [
        MarkedSentence(one.start, one.end, one.verdict, (Chip(one.marker, "/p/"),)) for one in found
    ]
    return text, found, quotes_html(text, marks)


def test_each_quote_is_cited_with_its_very_place():
    text, found, _ = shown(PROSE, TABLE)
    sources = {1: PROSE, 2: TABLE}
    for one in found:
        words = sources[one.marker].text[one.passage.start : one.passage.end]
        assert text[one.start : one.end] == words
        assert (one.verdict, one.support) == ("supported", 1.0)
    between = [text[one.end : other.start] for one, other in pairwise(found)]
    assert set("".join(between)) == {"\n"}


def test_no_character_of_a_quote_is_read_as_markup():
    _, _, html = shown(PROSE)
    assert "*SK-17*" in html and "[3]" in html and "![x](//evil)" in html
    assert "&lt;b&gt;" in html
    assert set(re.findall(r"<([a-z]+)", html)) == {"p", "span", "a"}


def test_rows_of_one_table_are_shown_as_a_table():
    text, _, html = shown(TABLE)
    assert text.startswith("Part: Seal; Price: 48\nPart: Ring; Price: 12\n")
    assert html.count("<table>") == 1 and html.count("<tr>") == 4
    assert '<th scope="col">Part</th><th scope="col">Price</th>' in html
    assert html.count('class="cite"') == 4
    assert "<p>" in html.rpartition("</table>")[2]


def test_rows_with_other_columns_start_another_table():
    other = Source(1, "Part: Seal; Weight: 2 kg\nPart: Ring; Weight: 1 kg", "Weights")
    _, _, html = shown(other, TABLE)
    assert html.count("<table>") == 2


@pytest.mark.parametrize("text", ["", "   "])
def test_nothing_makes_nothing(text):
    assert compose([], [Source(1, text)]) == ("", [])


@given(st.text(alphabet="Ab.;: \n|<&*[]1", max_size=120))
def test_what_is_shown_is_what_is_stored(words):
    source = Source(1, words)
    text, found, html = shown(source)
    for one in found:
        assert words[one.passage.start : one.passage.end] == text[one.start : one.end]
    without_chips = re.sub(r'<a class="cite".*?</a>', "", html)
    plain = unescape(re.sub(r"<[^>]+>", " ", without_chips))
    assert set(re.findall(r"\w+", plain)) == set(re.findall(r"\w+", text))
