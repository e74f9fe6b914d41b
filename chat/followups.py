"""Makes a follow-up question stand alone for retrieval, by rule and without a model.

"And for the Osprey?" means nothing to a search. When a question leans on the one before (a pronoun,
an ellipsis, hardly a word of its own), the earlier question's content words go before it.
"""

import re

from chat.words import FILLER, TOKEN, content_words

# What points back: "it", "that one", "the same", "there".
POINTING = re.compile(
    r"\b(it|its|they|them|their|this|that|these|those|he|she|him|her|there|the same|such|one|ones"
    r"|the former|the latter|the other|instead|else)\b",
    re.IGNORECASE,
)
CONTINUING = re.compile(
    r"^\s*(and|but|or|so|then|also|what about|how about|what if|why|why not|how so|since when"
    r"|really|more|for (the|a|an))\b",
    re.IGNORECASE,
)
# Fewer content words than this, and the question leans on what was said.
STANDS_FROM = 3
# Of the earlier question's words; more would drown the new one's.
BORROWED = 12


def leans_on_earlier(question: str) -> bool:
    """Whether a question can hardly be understood without the one before."""
    if CONTINUING.search(question):
        return True
    own = len(set(content_words(question)))
    return own < STANDS_FROM or (bool(POINTING.search(question)) and own < 2 * STANDS_FROM)


def standalone(question: str, earlier: str | None) -> str:
    """The text to search with: the question, after the earlier one's words when it leans on it."""
    if not earlier or not leans_on_earlier(question):
        return question
    own = set(content_words(question))
    borrowed = [
        word
        for word in TOKEN.findall(earlier)
        if word.lower() not in FILLER and not own & set(content_words(word))
    ]
    return " ".join([*borrowed[:BORROWED], question])
