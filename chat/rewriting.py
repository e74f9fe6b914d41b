"""Lets the engine make a follow-up question stand alone, where that is switched on.

What the engine says is believed only as far as it rests on what was asked: a rewriting that brings
words of its own, forgets some of the question's, or takes too long gives way to the rules of
followups. Knows an engine and texts; no rows, no search.
"""

import asyncio
import logging

from chat.asides import say
from chat.engine import Engine, EngineError
from chat.followups import leans_on_earlier, standalone
from chat.words import content_words, names, numbers

TASK = (
    "Rewrite the last question of a conversation so that it can be understood without the earlier "
    "one: put the names in the place of words like 'it' or 'they'. Reply with the question only."
)
LONGEST, TOKENS = 400, 80
PATIENCE = 15.0
# Words of the engine's own that are taken for grammar; figures and names are never.
OWN_WORDS = 2

logger = logging.getLogger(__name__)


async def stand_alone(
    question: str, earlier: str | None, engine: Engine, *, stop: asyncio.Event
) -> str:
    """The text to search with. Never raises for what the engine does: the rules serve then."""
    if not earlier or not leans_on_earlier(question):
        return question
    try:
        async with asyncio.timeout(PATIENCE):
            content = f"Earlier question: {earlier}\nLast question: {question}"
            said = await say(engine, TASK, content, tokens=TOKENS, stop=stop, is_one_line=True)
    except (EngineError, TimeoutError) as error:
        logger.warning("a follow-up was not rewritten: %s", error or "too slow")
        said = ""
    rewritten = _tidy(said)
    return rewritten if rests_on(rewritten, question, earlier) else standalone(question, earlier)


def rests_on(rewritten: str, question: str, earlier: str) -> bool:
    """Whether a rewriting says no more than was asked, and nothing less."""
    said, asked = set(content_words(rewritten)), set(content_words(question))
    known = asked | set(content_words(earlier))
    if not rewritten or len(rewritten) > LONGEST or not asked <= said:
        return False
    is_invented = not numbers(rewritten) <= numbers(question) | numbers(earlier)
    is_invented |= bool(names(rewritten) - known)
    # At least something was put in: else the rules know better.
    is_completed = bool(said & (known - asked))
    return is_completed and not is_invented and len(said - known) <= OWN_WORDS


def _tidy(said: str) -> str:
    """The first line, without the quotes and labels that models put around it."""
    line = said.strip().partition("\n")[0]
    return line.rpartition("question:")[2].strip().strip("\"'“”*").strip()
