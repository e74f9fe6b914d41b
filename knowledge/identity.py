"""What tells a document apart from its near-identical siblings: whose, of when, which version.

Read from the title page, and kept only when the title leaves it out: it stands before each chunk,
so that twenty quarterly reports or ten versions of a manual don't answer for each other. Pure
functions; knows no database.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from knowledge.blocks import Block

# Characters at the start of a document in which it says what it is.
OPENING = 3_000
OPENING_PAGES = 2
# A shorter document says in every chunk what it is.
LONG_FROM = 1_500
# A name belongs to the document when its first word comes this often.
NAMED_FROM = 3
LONGEST = 80
# A heading this early may be the document's own title.
TITLE_WITHIN = 12

_FORMS = (
    r"Inc|Incorporated|Corp|Corporation|Company|Co|Ltd|Limited|LLC|L\.L\.C|LLP|PLC|GmbH|AG|SE|KGaA"
    r"|KG|e\.V|S\.A|S\.p\.A|S\.r\.l|N\.V|B\.V|ASA|A/S|Oyj|Oy|AB|Pty|University|Ministry"
    r"|Department|Agency|Authority|Council|Foundation|Association|Bank|Trust|Partners|L\.P|LP"
)
_ORGANISATION = re.compile(
    r"(?<![\w.])((?:[A-ZÀ-Þ][\w&'’.-]*,?[ ]+){1,4})(" + _FORMS + r")(?![\w])\.?", re.IGNORECASE
)
_ARTICLES = {"the", "this", "our", "each", "any", "a", "an", "der", "die", "das"}
_CAPITAL = re.compile(r"[A-ZÀ-Þ0-9]")
_MONTHS = (
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec|january|february|march|april|june"
    r"|july|august|september|october|november|december|januar|februar|märz|mai|juni|juli|oktober"
    r"|dezember|janvier|février|mars|avril|juin|juillet|août|septembre|octobre|novembre|décembre"
    r"|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre"
    r"|gennaio|febbraio|aprile|maggio|giugno|luglio|settembre|ottobre|dicembre)"
)
_DATE = re.compile(
    rf"\b{_MONTHS}\.?\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+\d{{4}}\b"
    rf"|\b\d{{1,2}}\.?(?:st|nd|rd|th)?\s+(?:de\s+)?{_MONTHS}\.?,?\s+(?:de\s+)?\d{{4}}\b"
    rf"|\b\d{{4}}-\d{{2}}-\d{{2}}\b|\b\d{{1,2}}\.\d{{1,2}}\.\d{{4}}\b|\b{_MONTHS}\.?\s+\d{{4}}\b"
    r"|\b(?:fiscal\s+year|FY)\s*\d{4}\b|\bQ[1-4]\s+(?:FY\s*)?\d{4}\b",
    re.IGNORECASE,
)
# What comes before the date that a document is of; other dates may stand on a title page, too.
_DATED = re.compile(
    r"\b(ended|ending|as of|dated?|issued|effective|updated?|published|valid|stand|vom|ab|du|del"
    r"|version|revision|edition)\b[^.;]{0,25}$",
    re.IGNORECASE,
)
_VERSION = re.compile(
    r"\b(?:version|revision|rev\.|release|edition|issue|ausgabe|fassung|édition|versión|edición)"
    r"\s*(?:no\.?\s*)?[:#]?\s*[A-Z]?\d[\w.]*|\bv\d+(?:\.\d+)+\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w+")


def subject_of(title: str, blocks: Sequence[Block]) -> str:
    """Names, own title, date and version of the document that `title` leaves out; may be empty."""
    if sum(len(block.text) for block in blocks) < LONG_FROM:
        return ""
    opening = list(_opening(blocks))
    text = "\n".join(block.text for block in opening)
    known = words_of(title)
    facts: list[str] = []
    for fact in (*_names(text, blocks), _own_title(opening), _date(text), _version(text)):
        new = words_of(fact) - known
        if new and not new <= words_of(" ".join(facts)):
            facts.append(" ".join(fact.split()))
    return ", ".join(facts)


def words_of(text: str) -> set[str]:
    """The words of a text in one case."""
    return {word.casefold() for word in _WORD.findall(text)}


def _opening(blocks: Sequence[Block]) -> Iterator[Block]:
    length = 0
    for block in blocks:
        if length > OPENING or (block.page or 1) > OPENING_PAGES:
            return
        length += len(block.text)
        yield block


def _names(opening: str, blocks: Sequence[Block]) -> list[str]:
    """Organisations of the title page that the document goes on to speak of, at most two."""
    counts = Counter(word.casefold() for block in blocks for word in _WORD.findall(block.text))
    found: dict[str, int] = {}
    for match in _ORGANISATION.finditer(opening):
        words = _capitalised_end(match[1].split())
        if not words:
            continue
        name = f"{' '.join(words)} {match[2]}"[:LONGEST]
        found.setdefault(name.title() if name.isupper() else name, _count(words[0], counts))
    often = [name for name, count in found.items() if count >= NAMED_FROM]
    often.sort(key=lambda name: -found[name])
    return [name for name in often[:2] if 2 * found[name] >= found[often[0]]]


def _capitalised_end(words: Sequence[str]) -> list[str]:
    """The run of capitalised words at the end, without an article before it."""
    end: list[str] = []
    for word in reversed(words):
        if not _CAPITAL.match(word):
            break
        end.insert(0, word)
    return end[1:] if end and end[0].casefold() in _ARTICLES else end


def _count(name: str, counts: Counter[str]) -> int:
    """How often the document says the name's first word, which tells most."""
    return min((counts[word.casefold()] for word in _WORD.findall(name)[:1]), default=0)


def _own_title(opening: Sequence[Block]) -> str:
    """The highest heading of the first page."""
    headings = [
        block for block in opening[:TITLE_WITHIN] if block.kind == "heading" and block.level
    ]
    best = min(headings, key=lambda block: block.level, default=None)
    return "" if best is None or len(best.text) > LONGEST else best.text


def _date(opening: str) -> str:
    """The date that the document is of: one that is called so, else the first."""
    dates = list(_DATE.finditer(opening))
    called = [found for found in dates if _DATED.search(opening[: found.start()][-60:])]
    return next((found[0] for found in [*called, *dates]), "")


def _version(opening: str) -> str:
    found = _VERSION.search(opening)
    return found[0] if found else ""
