"""Turns the model's Markdown into safe HTML, with its sentences and their sources marked.

The text is untrusted twice: a model wrote it, from documents that anyone may have written. Nothing
in it becomes a link, an image or markup of its own; chips are made from our citations alone.
Sentences survive Markdown by sentinels: two rare punctuation characters set around each sentence
before rendering (neutral to Markdown's rules on emphasis) and woven into spans afterwards.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import nh3
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

OPEN, CLOSE = "\U00010a50", "\U00010a51"
TOKEN = re.compile(rf"({OPEN}\d+{OPEN}|{CLOSE}|<[^>]*>)")
# What a model writes as a citation: [1], [1, 2], 【3】. Ours stand there instead.
WRITTEN_MARKER = re.compile(r"[ \t]*[\[【]\d{1,3}(?:\s*[,;]\s*\d{1,3})*[\]】](?![(\[])")
CODE = re.compile(r"(?ms)^\s{0,3}(```|~~~).*?(?:^\s{0,3}\1|\Z)|(`+)(?!`).+?(?<!`)\2(?!`)")

TAGS = {"p", "br", "hr", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li"} | {
    *("h3", "h4", "h5", "h6"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
UNWANTED_RULES = ("link", "image", "autolink", "reference", "html_inline", "html_block")


@dataclass(frozen=True)
class Chip:
    """A passage that a sentence rests on: its number, where it opens, whether it still holds."""

    marker: int
    url: str
    is_outdated: bool = False

    @property
    def look(self) -> tuple[str, str]:
        """Its classes, and what is said of it after its number."""
        return ("cite is-outdated", ", no longer in force") if self.is_outdated else ("cite", "")


@dataclass(frozen=True)
class MarkedSentence:
    """A span of the text with our verdict and the passages it rests on."""

    start: int
    end: int
    verdict: str
    chips: tuple[Chip, ...] = ()


def render_markdown(text: str, sentences: Sequence[MarkedSentence] = ()) -> SafeString:
    """Safe HTML of a text; `sentences` in order of their start, without overlaps."""
    html = _PARSER.render(_with_sentinels(text, sentences))
    clean = nh3.clean(html, tags=TAGS, attributes={"ol": {"start"}}, link_rel=None)
    return mark_safe(_weave(clean, sentences))


def _make_parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": 20})
    parser.enable(["table", "strikethrough"]).disable(list(UNWANTED_RULES))
    parser.core.ruler.push("lower_headings", lambda state: _lower_headings(state.tokens))
    return parser


def _lower_headings(tokens: list[Token]) -> None:
    """The page's own headings stay above those of an answer."""
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + 2)}"


_PARSER = _make_parser()


def _with_sentinels(text: str, sentences: Sequence[MarkedSentence]) -> str:
    edits = [(found.start(), found.end(), "") for found in _written_markers(text)]
    for number, sentence in enumerate(sentences):
        edits.append((sentence.start, sentence.start, f"{OPEN}{number}{OPEN}"))
        edits.append((sentence.end, sentence.end, CLOSE))
    parts, position = [], 0
    for start, end, replacement in sorted(edits, key=lambda edit: edit[:2]):
        parts += [_without_sentinels(text[position : max(position, start)]), replacement]
        position = max(position, end)
    return "".join([*parts, _without_sentinels(text[position:])])


def _without_sentinels(text: str) -> str:
    return text.replace(OPEN, "").replace(CLOSE, "")


def _written_markers(text: str) -> list[re.Match[str]]:
    code = [found.span() for found in CODE.finditer(text)]
    return [
        found
        for found in WRITTEN_MARKER.finditer(text)
        if not any(start <= found.start() < end for start, end in code)
    ]


def _weave(html: str, sentences: Sequence[MarkedSentence]) -> str:
    parts = [part for part in TOKEN.split(html) if part]
    woven, index = [], 0
    while index < len(parts):
        part = parts[index]
        if part.startswith(OPEN):
            end = _closing(parts, index)
            sentence = sentences[int(part.strip(OPEN))]
            woven.append(_sentence(sentence, parts[index + 1 : end]))
            index = end
        elif part != CLOSE:
            woven.append(part)
        index += 1
    return "".join(woven)


def _closing(parts: list[str], index: int) -> int:
    """Where the sentence ends: its own mark, or the next sentence if Markdown swallowed it."""
    for end in range(index + 1, len(parts)):
        if parts[end] == CLOSE:
            return end
        if parts[end].startswith(OPEN):
            return end - 1
    return len(parts)


def _sentence(sentence: MarkedSentence, inner: list[str]) -> str:
    start = opening(sentence)
    if _is_balanced(inner):
        body = f"{start}{''.join(inner)}</span>"
    else:
        body = "".join(
            part if part.startswith("<") or part.isspace() else f"{start}{part}</span>"
            for part in inner
        )
    return body + marks_after(sentence)


def opening(sentence: MarkedSentence) -> SafeString:
    """The tag that a sentence of an answer begins with; a </span> ends it."""
    return format_html(
        '<span class="sentence" data-verdict="{}" data-markers="{}">',
        sentence.verdict,
        " ".join(str(chip.marker) for chip in sentence.chips),
    )


def _is_balanced(parts: Iterable[str]) -> bool:
    """Whether every tag that opens in here closes in here, so that one span can hold all."""
    depth = 0
    for part in parts:
        if part.startswith("</"):
            depth -= 1
        elif part.startswith("<") and part not in ("<br>", "<hr>"):
            depth += 1
        if depth < 0:
            return False
    return depth == 0


def marks_after(sentence: MarkedSentence) -> SafeString:
    """The chips of what a sentence rests on, or that it rests on nothing."""
    if sentence.verdict == "unsupported":
        return mark_safe('<span class="no-source">no source</span>')
    chips = (
        (chip.look[0], chip.marker, chip.marker, chip.look[1], chip.url, chip.marker)
        for chip in sentence.chips
    )
    return format_html_join(
        "", '<a class="{}" data-marker="{}" aria-label="Source {}{}" href="{}">{}</a>', chips
    )
