"""Text that may be stored and shown: no character that breaks a database or hides words.

Pure functions; imports nothing of ours, since the child process uses it too.
"""

import re
import unicodedata

from knowledge.counts import counted

# Zero-width, bidirectional controls, tags (invisible ASCII), variation selectors, soft hyphen.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\ufeff\ufe00-\ufe0f\U000e0000-\U000e0fff]"
)
# Between letters of Arabic or Indic scripts joiners carry meaning; between Latin ones they hide.
_LATIN_JOINER = re.compile("(?<=[\0-\u024f])[\u200c\u200d]|[\u200c\u200d](?=[\0-\u024f])")
_BROKEN = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_SPACES = re.compile(r"[ \t\u00a0\u2000-\u200a\u202f\u205f\u3000]+")
_NEWLINES = re.compile(r"\s*\n\s*")
# A letter carries few marks in any language; a thousand of them are an attack.
_MARKS = re.compile(
    "([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]{8})"
    "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]+"
)


class Cleaner:
    """Cleans texts of one file and counts what it took out."""

    def __init__(self) -> None:
        self.invisible = 0
        self.broken = 0

    def clean(self, text: str) -> str:
        """NFC text with single spaces, its lines kept."""
        text, broken = _BROKEN.subn("", text.replace("\r\n", "\n").replace("\r", "\n"))
        text, invisible = _INVISIBLE.subn("", text)
        text, joiners = _LATIN_JOINER.subn("", text)
        self.broken += broken
        self.invisible += invisible + joiners
        text = _NEWLINES.sub("\n", _SPACES.sub(" ", _MARKS.sub(r"\1", text)))
        return unicodedata.normalize("NFC", text).strip()

    def warnings(self) -> list[str]:
        """What a curator should know."""
        found = []
        if self.invisible:
            found.append(_left_out(self.invisible, "invisible"))
        if self.broken:
            found.append(_left_out(self.broken, "unreadable"))
        return found


def _left_out(count: int, kind: str) -> str:
    one, many = f"{{}} {kind} character was left out.", f"{{}} {kind} characters were left out."
    return counted(count, one, many)


def printable(name: str) -> str:
    """A name or title without characters that can't be seen."""
    return "".join(char for char in name if char.isprintable())
