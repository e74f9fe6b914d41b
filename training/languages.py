"""In which language each text is written, told by its filling words, as search knows them.

Knows no dataset. A text of a few names and figures belongs to no language.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from knowledge.fillers import fillers_among

UNKNOWN = "not told"
# Filling words are short and frequent: the rest of a large dataset's words need no look.
LOOKED_AT, LONGEST_WORD = 5_000, 12
# So many different ones make sure; one may be a word of another language.
FEWEST = 2
LONGEST_TEXT = 5_000
_WORD = re.compile(r"[^\W\d_]+")
# Scripts that aren't parted by blanks, or whose filling words aren't known, by their names' start.
_SCRIPTS = {
    "CJK": "Chinese or Japanese",
    "HIRAGANA": "Japanese",
    "KATAKANA": "Japanese",
    "HANGUL": "Korean",
    "ARABIC": "Arabic script",
    "HEBREW": "Hebrew",
    "GREEK": "Greek",
    "DEVANAGARI": "Devanagari script",
    "THAI": "Thai",
}


def tell_languages(texts: Sequence[str]) -> list[str]:
    """A language for each text, in plain words, or UNKNOWN."""
    words = [set(_WORD.findall(text[:LONGEST_TEXT].lower())) for text in texts]
    counts = Counter(word for some in words for word in some if len(word) <= LONGEST_WORD)
    frequent = [word for word, _count in counts.most_common(LOOKED_AT)]
    fillers = fillers_among(frequent) if frequent else {}
    return [_tell(text, some, fillers) for text, some in zip(texts, words, strict=True)]


def _tell(text: str, words: set[str], fillers: dict[str, set[str]]) -> str:
    if script := _script(text[:200]):
        return script
    found = {language: len(words & some) for language, some in fillers.items()}
    best = max(found, key=lambda language: (found[language], language == "english"), default="")
    return best.capitalize() if best and found[best] >= FEWEST else UNKNOWN


def _script(text: str) -> str:
    """The script of most letters, where it tells the language better than words do."""
    letters = [char for char in text if char.isalpha() and ord(char) > 0x36F]
    if len(letters) * 2 < sum(char.isalpha() for char in text) or not letters:
        return ""
    names = Counter(
        label
        for char in letters
        for start, label in _SCRIPTS.items()
        if unicodedata.name(char, "").startswith(start)
    )
    return names.most_common(1)[0][0] if names else ""
