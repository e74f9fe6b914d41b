"""Words of questions and column names in one spelling; English. Pure functions."""

from functools import lru_cache

from knowledge.rows import normalised


def listed(words: str) -> list[str]:
    """A list written as one text, for long tables of words."""
    return words.split()


# Words that a plan need not account for: they ask, join, or point at the table itself.
FILLER = frozenset(
    listed("""
    a an the of in on at to for by from with and is are was were be been being did do does done has
    have had that this these those there which what who whom whose when where how many much it its
    he she his her him they their them as listed list lists table chart according named called all
    any each per shown show shows given please tell me you i we us our would will can could may
    if so then than just own s total number amount count times time name names one ones
    take took taken place get got gets come came comes make made makes happen happened occur
    occurred held into within during while about entry entries row rows records record item items
    following value values here above people person some through out up whats among amongst
    ever overall altogether recorded found find column out
    """)
)
# Done by or to what the rows are about; which of them is meant hardly ever changes the rows.
VERBS = frozenset(
    listed("""
    play played plays playing score scored finish finished complete completed serve served serves
    serving direct drive drove compete competed competing participate participated born die
    died release released air aired airs receive received earn earned achieve achieved produce
    produced use used uses using locate located base based build built broadcast nominate nominated
    rank ranked host hosted hosting open opened establish established write wrote written record
    publish published appear appeared appears feature featured perform performed represent
    represented representing drafted picked selected chosen elected appointed belong belongs began
    begin started start end ended ends live lived race raced run ran see seen work worked include
    included
    includes including contain contains attended attend display displayed classified considered
    designed discovered introduced launched manufactured created dated fall fell exist exists
    reported sell sold become became stand stands hold holds placed places won win
    wins winning
    """)
)
NUMERALS = {
    word: number
    for number, word in enumerate(
        listed("zero one two three four five six seven eight nine ten eleven twelve")
    )
    if word != "one"
}
ORDINALS = {
    word: number
    for number, word in enumerate(
        listed("first second third fourth fifth sixth seventh eighth ninth tenth"), start=1
    )
}
_ENDINGS = (
    ("sses", "ss"),
    ("ies", "y"),
    ("ings", ""),
    ("ing", ""),
    ("ees", ""),
    ("ee", ""),
    ("ance", ""),
    ("ed", ""),
    ("ers", ""),
    ("er", ""),
    ("es", ""),
    ("s", ""),
)


def tokens(text: str) -> tuple[str, ...]:
    """Words and figures of a text, lower case."""
    return tuple(normalised(text).replace("'s ", " ").removesuffix("'s").split())


@lru_cache(maxsize=16_384)
def stem(word: str) -> str:
    """A word without its common endings; figures and short words stay."""
    if len(word) < 4 or not word.isalpha():
        return word
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            word = word[: -len(ending)] + instead
            break
    if len(word) > 4 and word[-1] == word[-2]:
        word = word[:-1]
    return word.rstrip("e") if len(word) > 3 else word


def stems(text: str) -> tuple[str, ...]:
    """The stems of a text's words."""
    return tuple(stem(word) for word in tokens(text))


# Words for a column that does not bear them: what people ask for, how headers say it.
SYNONYMS = {
    "when": ("date", "year", "season"),
    "where": ("location", "venue", "place", "city", "site", "town", "country"),
    "tall": ("height",), "long": ("length", "duration"), "old": ("age", "born"),
    "heavy": ("weight", "mass"), "fast": ("time", "speed"), "people": ("population", "attendance"),
    "crowd": ("attendance",), "spectator": ("attendance",), "expensive": ("price", "cost"),
    "cheap": ("price", "cost"), "populat": ("population",), "weigh": ("weight", "mass"),
    "cost": ("price", "cost"), "nation": ("country", "nationality"), "own": ("owner",),
    "euro": ("eur",), "dollar": ("usd",), "pound": ("gbp", "lb"), "franc": ("chf",),
    "kilogram": ("kg",), "kilo": ("kg",), "gram": ("g",), "tonn": ("t",), "ton": ("t",),
    "met": ("m",), "metr": ("m",), "hour": ("h", "hrs"), "minut": ("min",), "lit": ("l",),
}  # fmt: skip


# How questions compare and compute: no matter of their own.
ASKING = frozenset(
    listed(
        "most highest largest biggest greatest maximum max least lowest smallest fewest minimum "
        "min longest shortest tallest oldest youngest heaviest lightest earliest latest newest "
        "cheapest fastest slowest expensive populated populous average mean sum combined "
        "altogether all more less fewer greater higher lower larger smaller longer shorter older "
        "younger bigger taller earlier later than or equal over under above below exceed after "
        "before since until between next previous prior first last same different distinct unique "
        "not except only difference top"
    )
)
# Nothing is said of people in a table of things.
PEOPLE = frozenset(listed("people person persons"))
PERSONS = frozenset(map(stem, listed("name person people employee staff customer population")))
# Said of everything: such a word alone is no value, even where a cell holds it.
NEVER = VERBS | frozenset(
    listed(
        "or no not is most more less least than only highest lowest largest best last next before "
        "after same different between won lost both never yes"
    )
)
