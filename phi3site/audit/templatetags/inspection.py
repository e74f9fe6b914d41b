"""How an auditor sees text: inert, and with nothing hidden in it."""

import unicodedata

from django import template
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

# Controls, formats (zero width, bidi, tags), surrogates, private use, unassigned, odd separators.
HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
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
