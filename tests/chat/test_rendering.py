"""Markdown becomes safe HTML, and sentences keep their place in it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.rendering import CLOSE, OPEN, TAGS, Chip, MarkedSentence, render_markdown
from chat.sentences import split_sentences

CHIP = Chip(1, "/chat/passages/x/")


def marked(text, verdict="supported", chips=(CHIP,)):
    spans = split_sentences(text)
    return render_markdown(text, [MarkedSentence(*span, verdict, chips) for span in spans])


def words(html):
    return re.sub(r"<[^>]+>", "", html)


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![x](https://evil.example/pixel.png)",
        "[click](javascript:alert(1))",
        "[click](//intranet@evil.example)",
        "<https://evil.example>",
        "https://evil.example",
        "[a]: https://evil.example\n\n[a]",
        "![a][b]\n\n[b]: data:image/svg+xml,<svg/onload=alert(1)>",
        "<a href='vbscript:x'>x</a>",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "```html\n<script>alert(1)</script>\n```",
        "<style>*{display:none}</style>",
        "$\\href{javascript:alert(1)}{x}$",
        "<div onclick=alert(1)>",
        '" onmouseover="alert(1)',
        "| <iframe src=x> |\n|---|\n| <svg onload=x> |",
    ],
)
@pytest.mark.parametrize("render", [render_markdown, marked])
def test_nothing_of_the_text_becomes_active(hostile, render):
    html = re.sub(
        r'<a class="cite" data-marker="1" aria-label="Source 1" href="/chat/passages/x/">1</a>',
        "",
        render(hostile),
    )
    tags = set(re.findall(r"<\s*/?\s*([a-zA-Z0-9]+)", html))
    assert tags <= TAGS | {"span"}
    ours = r'class="sentence" data-verdict="\w+" data-markers="[\d ]*"|start="\d+"'
    for attributes in re.findall(r"<[a-z0-9]+ ([^>]*)>", html):
        assert re.fullmatch(ours, attributes)


def test_a_sentence_is_one_span_followed_by_its_chip():
    assert marked("It is **so**. Yes.") == (
        '<p><span class="sentence" data-verdict="supported" data-markers="1">It is <strong>so'
        "</strong>.</span>"
        '<a class="cite" data-marker="1" aria-label="Source 1" href="/chat/passages/x/">1</a> '
        '<span class="sentence" data-verdict="supported" data-markers="1">Yes.</span>'
        '<a class="cite" data-marker="1" aria-label="Source 1" href="/chat/passages/x/">1</a></p>\n'
    )


def test_a_sentence_without_source_says_so():
    html = marked("Who knows.", "unsupported", ())
    assert html.endswith('Who knows.</span><span class="no-source">no source</span></p>\n')


@pytest.mark.parametrize(
    ("text", "must"),
    [
        ("**One. Two.** Three.", "<strong>"),
        ("_One. Two._ Three.", "<em>"),
        ("- a **b.\n- c** d.", "<li>"),
        ("1. One.\n2. Two.", "<ol>"),
        ("# Title\n\nText.", "<h3>"),
        ("| a | b |\n|---|---|\n| One. | 2 |", "<table>"),
        ("> Quoted. Twice.", "<blockquote>"),
        ("`code. x` and. More.", "<code>"),
        ("__init__ is. It.", "<strong>"),
    ],
)
def test_markdown_survives_the_marks_and_nests_well(text, must):
    html = marked(text)
    assert must in html
    stack = []
    for closing, tag in re.findall(r"<(/?)([a-z0-9]+)[^>]*>", html):
        if tag in ("br", "hr"):
            continue
        if closing:
            assert stack.pop() == tag
        else:
            stack.append(tag)
    assert not stack
    without_marks = re.sub(r'<a class="cite".*?</a>', "", html)
    assert words(without_marks) == words(render_markdown(text))


def test_markers_that_the_model_wrote_are_not_shown_as_if_they_were_ours():
    html = marked("It is so [7]. And 【2】 so [1, 3]. `a[0]` stays.")
    assert "[7]" not in html and "【2】" not in html and "[1, 3]" not in html
    assert "<code>a[0]</code>" in html


def test_sentinels_in_the_text_are_left_out():
    html = marked(f"A {OPEN}0{OPEN} b {CLOSE} c.")
    assert OPEN not in html and CLOSE not in html


@given(st.text(alphabet=f"Ab .\n-*_#|`>[]()1{OPEN}{CLOSE}<&", max_size=120))
def test_no_text_breaks_the_weaving(text):
    html = marked(text)
    assert OPEN not in html and CLOSE not in html
    assert set(re.findall(r"<\s*/?\s*([a-zA-Z0-9]+)", html)) <= TAGS | {"span", "a"}
    assert html.count("<span") == html.count("</span>")
