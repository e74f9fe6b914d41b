"""Sentences of an answer that say nothing of the documents: manners, and not knowing.

They claim nothing, so nothing has to carry them. Knows English phrases. Pure functions.
"""

import re

from chat.words import content_words

# Sure! Of course. I'm happy to help.
POLITE = frozenset(
    content_words(
        "sure certainly course sorry happy glad help okay thank thanks welcome question "
        "good great hope i'm i'll i'd"
    )
)
NOT_KNOWING = re.compile(
    r"^\W*(?:(?:sorry|unfortunately|i'm sorry|i am sorry|i apologi[sz]e)\W+(?:but )?)?"
    r"(?:i (?:do not|don't|cannot|can't|could not|couldn't|did not|didn't) "
    r"(?:have|know|find|see|answer|tell|say)\b"
    r"|(?:the|these|those) (?:given |provided )?(?:documents?|passages?|sources?|texts?|context)"
    r" (?:do(?:es)? not|don't|doesn't) (?:say|mention|contain|provide|specify|tell|hold|include)\b"
    r"|there is no (?:specific )?(?:information|mention|answer)\b)",
    re.IGNORECASE,
)


def says_nothing(sentence: str) -> bool:
    """Whether a sentence is manners alone, or says that the answer is not known."""
    if NOT_KNOWING.match(sentence.replace("’", "'")):
        return True
    return frozenset(content_words(sentence)) <= POLITE
