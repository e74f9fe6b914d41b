"""The words of a text that say something: without filler, in one spelling, numbers as numbers.

Written for English; other languages keep their words as they are. Pure functions.
"""

import re
from functools import lru_cache


def listed(words: str) -> list[str]:
    """A list written as one text, for long tables of words."""
    return words.split()


TOKEN = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*", re.UNICODE)
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
COUNTED = re.compile(r"(?<![\w.,-])(\d+(?:[.,]\d+)*|[A-Za-z]+)[ \t-]+([^\W\d_]+)(?=(?:\W|$))")
MONTHS = {
    name: number
    for number, names in enumerate(
        ("january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul",
         "august aug", "september sep sept", "october oct", "november nov", "december dec"),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
# Other spellings of one unit.
SIGNS = str.maketrans({"€": " euro ", "$": " dollar ", "£": " pound ", "%": " percent ", "°": " "})
CURRENCY_FIRST = re.compile(r"([€$£])\s?(\d[\d.,]*\d|\d)")
UNITS = {"eur": "euro", "usd": "dollar", "gbp": "pound", "hr": "hour", "hrs": "hour", "h": "hour",
         "min": "minut", "mins": "minut", "pct": "percent"}  # fmt: skip
PER_CENT = re.compile(r"\bper cent\b", re.I)
_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
DAY_FIRST = re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th)?\s+({_MONTH})\.?,?\s+(\d{{4}})\b", re.I)
MONTH_FIRST = re.compile(rf"\b({_MONTH})\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?,?\s+(\d{{4}})\b", re.I)
NUMERALS = {
    word: str(number)
    for number, word in enumerate(
        listed(
            "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
            "fifteen sixteen seventeen eighteen nineteen twenty"
        )
    )
} | {"thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "ninety": "90", "hundred": "100"}
# "one" is more often a pronoun than a count.
del NUMERALS["one"]

FILLER = frozenset(
    listed(
        """
        a about above after again all also am an and any are as at be because been before
        being below between both but by can could did do does doing down during each else
        ever every few for from further get gets give given go had has have having he her
        here hers him his how i if in into is it its itself just kind know let like make
        makes many may me mean means might more most much must my need needs of off often
        on once one only onto or other our ours out over own please per quite rather
        really same say says shall she should so some something sort such tell than that
        the their theirs them then there these they thing things this those through thus
        to too under until up upon us use used using very via want was we were what when
        where whether which while who whom whose why will with within without would yes
        you your yours
        """
    )
)
NEGATIONS = frozenset(
    listed(
        "not no never none neither nor nobody nothing cannot without except unless excluded "
        "excludes excluding prohibited forbidden unable"
    )
)


def normalised(text: str) -> str:
    """Dates as 2026-01-31, signs of units as words; other words unchanged."""
    text = CURRENCY_FIRST.sub(r"\2\1", text).translate(SIGNS)
    text = PER_CENT.sub("percent", text)
    text = DAY_FIRST.sub(lambda found: _iso(found[3], found[2], found[1]), text)
    return MONTH_FIRST.sub(lambda found: _iso(found[3], found[1], found[2]), text)


def content_words(text: str) -> list[str]:
    """Words in the order of the text, stemmed, numbers as digits, filler left out."""
    words = []
    for found in TOKEN.finditer(normalised(text).replace("’", "'")):
        word = found[0].lower().removesuffix("'s")
        if word in FILLER or word in NEGATIONS or word.endswith("n't"):
            continue
        words += _parts(word)
    return words


def numbers(text: str) -> set[str]:
    """Figures, numerals and dates in one spelling: 6,000 and 6000 are the same."""
    plain = normalised(text)
    figures = {figure_of(found[0]) for found in NUMBER.finditer(plain)}
    spelled = {NUMERALS[w] for w in TOKEN.findall(plain.lower()) if w in NUMERALS}
    return figures | spelled


def amounts(text: str) -> set[tuple[str, str]]:
    """Figures and numerals with the word that follows them: what they count."""
    found = set()
    for match in COUNTED.finditer(normalised(text)):
        figure = NUMERALS.get(match[1].lower()) or (
            figure_of(match[1]) if match[1][0].isdigit() else ""
        )
        if figure and match[2].lower() not in FILLER | NEGATIONS:
            found.add((figure, stem(match[2].lower())))
    return found


def names(text: str) -> set[str]:
    """Words that only a name is written like: capitals inside a sentence, or letters and digits."""
    found = set()
    for match in TOKEN.finditer(text):
        word = match[0]
        has_both = any(c.isdigit() for c in word) and any(c.isalpha() for c in word)
        is_first = not text[: match.start()].strip(" \t*_\"'“‘(>-•").strip()
        if has_both and any(c.isupper() for c in word):
            found.add(word.lower())
        elif word[0].isupper() and not is_first and word.lower() not in FILLER | MONTHS.keys():
            found.add(stem(word.lower().removesuffix("'s")))
    return found


def is_negated(text: str) -> bool:
    """Whether the text denies something."""
    words = [word.lower().replace("’", "'") for word in TOKEN.findall(text)]
    denials = [word for word in words if word in NEGATIONS or word.endswith("n't")]
    return len(denials) % 2 == 1


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """A word without its most common English endings; short words and codes stay."""
    if word in UNITS:
        return UNITS[word]
    if len(word) < 5 or not word.isalpha():
        return word[:-1] if len(word) == 4 and word.endswith("s") and word[-2] != "s" else word
    for ending, instead in (("sses", "ss"), ("ies", "y"), ("ations", "ate"), ("ation", "ate"),
                            ("ings", ""), ("ing", ""), ("edly", ""), ("ed", ""), ("ly", ""),
                            ("es", ""), ("s", "")):  # fmt: skip
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            word = word[: -len(ending)] + instead
            break
    return word.rstrip("e") if len(word) > 4 else word


def _parts(word: str) -> list[str]:
    """A word, and the halves of a compound: SK-17 stays whole, dry-running is also two words."""
    if word in NUMERALS:
        return [NUMERALS[word]]
    if "-" in word and word.replace("-", "").isalpha():
        return [stem(part) for part in word.split("-") if part not in FILLER]
    return [stem(word)]


def figure_of(text: str) -> str:
    """6,000 → 6000; 2.50 → 2.5; 1,5 → 1.5."""
    if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", text):
        text = text.replace(",", "")
    text = text.replace(",", ".")
    if text.count(".") == 1:
        text = text.rstrip("0").rstrip(".")
    text = text.lstrip("0")
    return f"0{text}" if text[:1] in ("", ".") else text


def _iso(year: str, month: str, day: str) -> str:
    return f"{year}-{MONTHS[month.lower()]:02d}-{int(day):02d}"
