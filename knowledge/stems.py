"""Words as they are compared in languages other than English: their stems, compounds taken apart.

The keyword index itself knows English only. For a text in another language its stems are kept
beside it, marked with two letters of the language, so that they meet no word of another; a question
brings those of the same languages. Of a compound every way to part it is kept, since no dictionary
says which one is right: what is no word is never asked for. Stemmers are those of Postgres.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from django.db import connection
from django.db.models import Count

from knowledge.fillers import ENGLISH, fillers_among
from knowledge.models import DocumentVersion

# Languages that write a thing of several words as one.
COMPOUNDING = frozenset(("german", "dutch", "danish", "swedish", "norwegian"))
LONG, SHORTEST_HEAD, SHORTEST_TAIL = 9, 3, 4
# Between the parts of a compound: Dichtung-s-satz, Pumpe-n-gehäuse.
LINKS = ("s", "es", "n", "en", "er", "e")
# A language is known by its filling words: by this share of a text's words at least.
LEAST_SHARE, LEAST_LEAD = 0.12, 0.05
SAMPLE_CHARS, SAMPLE_WORDS = 60_000, 400
# Of a question: more languages than this are not tried.
MOST_LANGUAGES = 4
LONGEST_WORD = 60
_WORD = re.compile(r"[^\W\d_]{2,}")
_VOWEL = re.compile(r"[aeiouyäöüåæø]")
_STEMS = """
SELECT word, (ts_lexize(%s::regdictionary, word))[1] FROM unnest(%s::text[]) AS word
"""


def language_of(texts: Iterable[str]) -> str:
    """The language of a document, as Postgres names it; empty for English and when unsure."""
    sample = ""
    for text in texts:
        sample += f" {text}"
        if len(sample) > SAMPLE_CHARS:
            break
    counts = Counter(_WORD.findall(sample[:SAMPLE_CHARS].lower()))
    total = sum(counts.values())
    found = fillers_among([word for word, _ in counts.most_common(SAMPLE_WORDS)])
    shares = Counter({name: sum(counts[w] for w in words) for name, words in found.items()})
    english = shares.pop(ENGLISH, 0)
    if not shares:
        return ""
    name, count = max(shares.items(), key=lambda item: (item[1], item[0]))
    is_clear = count >= LEAST_SHARE * total and count - english >= LEAST_LEAD * total
    return name if is_clear else ""


def stems_of(texts: Sequence[str], language: str) -> list[str]:
    """What is kept beside each text for keyword search; nothing without a language."""
    if not language:
        return [""] * len(texts)
    kept = []
    for start in range(0, len(texts), 100):
        words = [_words(text) for text in texts[start : start + 100]]
        forms = {word: [word, *parts(word, language)] for found in words for word in found}
        stems = _stems({form for found in forms.values() for form in found}, language)
        kept += [" ".join(_marked(found, forms, stems, language)) for found in words]
    return kept


def _marked(
    words: list[str], forms: dict[str, list[str]], stems: dict[str, str], language: str
) -> Iterator[str]:
    for word in words:
        # A part may be reached in two ways; a word counts as often as it stands there.
        found = dict.fromkeys(stems[form] for form in forms[word] if form in stems)
        yield from (language[:2] + stem for stem in found)


def question_stems(query: str) -> str:
    """The question's words in the languages of the base; empty for one in English."""
    words, languages = _words(query), _languages_of_base()
    if not words or not languages or is_english(words):
        return ""
    found: list[str] = []
    # As one word, too, as a compound in a text may be written.
    joined = [first + second for first, second in pairwise(words)]
    for language in languages:
        forms = [*words, *(joined if language in COMPOUNDING else ())]
        found += [language[:2] + stem for stem in _stems(forms, language).values()]
    return " ".join(dict.fromkeys(found))


def is_english(words: Sequence[str]) -> bool:
    """Whether its filling words say so more than those of any other language."""
    found = fillers_among(list(dict.fromkeys(words)))
    english = len(found.pop(ENGLISH, ()))
    return english > max(map(len, found.values()), default=0)


def parts(word: str, language: str) -> list[str]:
    """Heads and tails of what may be a compound, with and without the sound between them."""
    if language not in COMPOUNDING or not LONG <= len(word) <= LONGEST_WORD:
        return []
    found: dict[str, None] = {}
    for place in range(SHORTEST_HEAD, len(word) - SHORTEST_TAIL + 1):
        head, tail = word[:place], word[place:]
        if _VOWEL.search(head) and _VOWEL.search(tail):
            cut = (head.removesuffix(link) for link in LINKS)
            found |= dict.fromkeys((head, tail, *(one for one in cut if len(one) >= SHORTEST_HEAD)))
    return list(found)


def _words(text: str) -> list[str]:
    return [word for word in _WORD.findall(text.lower()) if len(word) <= LONGEST_WORD]


def _languages_of_base() -> list[str]:
    """Those of its documents, without English, the most frequent first."""
    versions = DocumentVersion.objects.exclude(language="").values("language")
    counted = versions.annotate(count=Count("pk")).order_by("-count", "language")
    return [row["language"] for row in counted[:MOST_LANGUAGES]]


def _stems(words: Iterable[str], language: str) -> dict[str, str]:
    """Word -> its stem without accents; filling words are left out."""
    with connection.cursor() as cursor:
        cursor.execute(_STEMS, [f"{language}_stem", sorted(set(words))])
        return {word: _plain(stem) for word, stem in cursor.fetchall() if stem}


def _plain(stem: str) -> str:
    marks = unicodedata.normalize("NFKD", stem)
    return "".join(sign for sign in marks if not unicodedata.combining(sign))
