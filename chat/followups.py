"""Makes a follow-up question stand alone for retrieval, by rule and without a model.

"And for the Osprey?" means nothing to a search. A question that points back, goes on, or names
nothing itself takes words of the earlier one before it; a question on a matter of its own stays
as it is, whatever was asked before. Pure functions.
"""

import re

from chat.words import FILLER, NEGATIONS, TOKEN, content_words, listed, names

# What points back, unless a clause or a noun before it is what it stands for.
POINTING = re.compile(
    r"\bit\b(?! (?:true|possible|allowed|necessary|ok)\b| takes? (?:to|for)\b)"
    r"|\b(?:its|they|them|theirs?|he|she|him|his|hers?|the same|the former|the latter|the others?"
    r"|th(?:at|is) one|th(?:o|e)se ones?)\b"
    r"|\b(?:this|that|these|those|there)(?=\s*(?:[?.!,]|$))"
    r"|\b(?:about|of|for|with|in|to|after|before|do|does|is|are|was|were|can|must|will|why)"
    r" (?:this|these|those)\b"
    r"|^(?:is|was|does|did|can|will|must|are|were|would) that\b",
    re.IGNORECASE,
)
# Those that often stand for a noun of the same question: "Do visitors need their own shoes?"
OWN_NOUN = frozenset({"its", "they", "them", "their", "theirs", "he", "she", "him", "his", "her"})
# Words that go on with what was said, before a question that names little itself.
CONTINUING = re.compile(
    r"^\s*(?:and|but|or|so|then|also|plus)\b|^\s*(?:what|how) (?:about|if)\b", re.IGNORECASE
)
# "For the Osprey?", "In winter?": a part of a question.
FRAGMENT = re.compile(
    r"^\s*(?:for|with|in|at|on|by|after|before|without) (?:the |an? |my |our )?[^\W_]+(?: \w+)?"
    r"\s*\?*\s*$",
    re.IGNORECASE,
)
# Of its own content words, from which on a continuing question stands by itself.
STANDS_FROM = 3
# "… instead?", "anything else?", "tell me more": nothing without what was said.
OPEN_END = re.compile(r"\b(?:instead|else|more|otherwise|as well|too)\s*[?.!]*\s*$", re.IGNORECASE)
# A verb or a quality alone names no matter: "How much does that cost?"
VAGUE = frozenset(
    listed(
        """
        allowed apply applies big certain come comes correct cost costs detail details exactly
        example examples exception exceptions explain happen happened happens high last long mean
        means much necessary often old possible price reason required right since sure valid work
        works
        """
    )
)
# Of the earlier question's words; more would drown the new one's.
BORROWED = 12


def leans_on_earlier(question: str) -> bool:
    """Whether a question can hardly be understood without the one before."""
    words = len(_own_words(question))
    if not words or FRAGMENT.match(question) or _points_back(question):
        return True
    if CONTINUING.match(question):
        return words < STANDS_FROM
    return words < 2 and OPEN_END.search(question) is not None


def _points_back(question: str) -> bool:
    """Whether a pronoun stands for something that this question does not name before it."""
    for found in POINTING.finditer(question):
        before = question[: found.start()]
        named = len(_own_words(before))
        is_own = ("," in before and named) or (found[0].lower() in OWN_NOUN and named > 1)
        if not is_own:
            return True
    return False


def standalone(question: str, earlier: str | None) -> str:
    """The text to search with: the question, after the earlier one's words when it leans on it."""
    if not earlier or not leans_on_earlier(question):
        return question
    own = set(content_words(question))
    replaced = names(question)
    borrowed = [
        word
        for word in TOKEN.findall(earlier)
        if word.lower() not in FILLER | NEGATIONS and not own & set(content_words(word))
    ]
    if replaced and (CONTINUING.match(question) or FRAGMENT.match(question)):
        # "And for the Osprey?" asks the same of another thing: the earlier name goes.
        gone = names(earlier)
        borrowed = [word for word in borrowed if not gone & set(content_words(word))] or borrowed
    return " ".join([*borrowed[:BORROWED], question])


def _own_words(question: str) -> list[str]:
    """Words that name a matter."""
    return [
        word
        for found in TOKEN.findall(question)
        if found.lower() not in VAGUE
        for word in content_words(found)
    ]
