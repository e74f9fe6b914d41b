"""How an auditor sees text: inert, and with nothing hidden in it."""

import re
import unicodedata

from django import template
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from phi3site.audit.models import AuditEvent
from phi3site.audit.words import thing_in_words, words_for

register = template.Library()

# Controls, formats (zero width, bidi, tags), surrogates, private use, unassigned, odd separators.
HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
DIGEST = re.compile(r"[0-9a-f]{64}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ORDINARY = {"\n", "\t"}
# Look like nothing, though Unicode files them under letters or symbols.
BLANK_LETTERS = {"\u115f", "\u1160", "\u3164", "\uffa0", "\u2800"}


@register.filter
def visible(text: str) -> SafeString:
    """The text escaped, each character that a reader can't see shown by its number and name."""
    return mark_safe("".join(_shown(character) for character in str(text)))


@register.filter
def hidden_count(text: str) -> int:
    """How many characters of the text a reader can't see."""
    return sum(_is_hidden(character) for character in str(text))


@register.filter
def spaced(name: str) -> str:
    """A name of the code as words: `top_p` reads "top p"."""
    return str(name).replace("_", " ")


@register.filter
def is_digest(value: object) -> bool:
    """Whether it is a hash or an id: nothing to read, something to copy."""
    return isinstance(value, str) and DIGEST.fullmatch(value) is not None


@register.filter
def in_words(event: AuditEvent) -> str:
    """What was done, for people."""
    return words_for(event.action)


@register.filter
def thing(target_type: str) -> str:
    """What it was done to, for people."""
    return thing_in_words(target_type)


@register.filter
def short(digest: str) -> str:
    """The first twelve characters of a hash: enough for eyes."""
    return str(digest)[:12]


def _is_hidden(character: str) -> bool:
    if character in ORDINARY:
        return False
    is_odd_space = unicodedata.category(character) == "Zs" and character != " "
    is_selector = "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"
    is_blank = character in BLANK_LETTERS or is_odd_space or is_selector
    return is_blank or unicodedata.category(character) in HIDDEN


def _shown(character: str) -> str:
    if not _is_hidden(character):
        return escape(character)
    name = unicodedata.name(character, "unnamed character")
    code = f"U+{ord(character):04X}"
    return format_html('<span class="hidden-character" title="{}">{}</span>', name, code)
