"""Words of a question that say nothing, in the language that it is asked in.

The keyword index knows those of English. In another language “für” or “dans” would count like any
rare word, and documents that merely hold it would pass the one that answers. Knows no document.
"""

import re
from collections.abc import Sequence

from django.db import connection

ENGLISH = "english"
# Those whose dictionaries come with Postgres and whose words are parted by spaces.
LANGUAGES = (
    *(ENGLISH, "german", "french", "spanish", "italian", "portuguese", "dutch"),
    *("danish", "swedish", "norwegian", "finnish", "hungarian", "russian", "turkish"),
)
LONGEST = 64
_WORD = re.compile(r"\w+")
_FILLERS = """
SELECT language, array_agg(word)
FROM unnest(%s::text[]) AS word, unnest(%s::text[]) AS language
WHERE ts_lexize((language || '_stem')::regdictionary, word) = '{}'
GROUP BY language ORDER BY count(*) DESC, language
"""


def without_fillers(query: str) -> str:
    """The query without the filling words of its language; one in English as it is."""
    words = list(dict.fromkeys(_WORD.findall(query.lower())))[:LONGEST]
    found = fillers_among(words)
    english = found.pop(ENGLISH, set())
    fillers = next(iter(found.values()), set())
    # One alone may be a word of another language: “die” casts metal, “par” is a value.
    is_sure = len(fillers) > 1 or not "".join(fillers).isascii()
    if len(fillers) <= len(english) or not is_sure or fillers >= set(words):
        return query
    kept = _WORD.sub(lambda word: "" if word[0].lower() in fillers else word[0], query)
    return " ".join(kept.split())


def fillers_among(words: Sequence[str]) -> dict[str, set[str]]:
    """Which of the words, in small letters, say nothing in which language; the richest first."""
    with connection.cursor() as cursor:
        cursor.execute(_FILLERS, [list(words), list(LANGUAGES)])
        return {language: set(fillers) for language, fillers in cursor.fetchall()}
