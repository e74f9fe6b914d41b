"""Lets the engine tell summaries in its own words while nobody asks, where that is switched on.

What it says is taken only when each name and figure in it stands in what it was given; the
extracted sentences stay otherwise. Knows an engine and texts; the passages are knowledge's affair.
"""

import logging
from uuid import UUID

from chat.asides import say
from chat.engine import Engine, EngineError
from chat.generation import loop_length
from chat.threads import in_thread
from chat.words import content_words, names, numbers
from knowledge.errors import KnowledgeError
from knowledge.retelling import next_summary, reword

TASK = (
    "Summarise what you are given in two or three plain sentences for colleagues who look for the "
    "right document. Use only what stands there."
)
TOKENS = 120
SHORTEST = 40

logger = logging.getLogger(__name__)


async def summarise_next(engine: Engine, skipped: set[UUID]) -> bool:
    """Retells one summary; False when none waits. Those that the engine fails at are skipped."""
    chunk = await in_thread(next_summary)(skipped)
    if chunk is None:
        return False
    # Whatever becomes of it, this process does not try it again.
    skipped.add(chunk.pk)
    try:
        said = _tidy(await say(engine, TASK, chunk.context_text, tokens=TOKENS))
        if rests_on(said, chunk.context_text):
            await in_thread(reword)(chunk, said)
        else:
            logger.info("summary %s keeps its extracted sentences", chunk.pk)
    except (EngineError, KnowledgeError) as error:
        logger.warning("summary %s was not retold: %s", chunk.pk, error)
    return True


def rests_on(said: str, source: str) -> bool:
    """Whether a summary is one, and brings no name and no figure of its own."""
    if len(said) < SHORTEST or loop_length(said):
        return False
    return numbers(said) <= numbers(source) and names(said) <= set(content_words(source))


def _tidy(said: str) -> str:
    """Whole sentences only: the last one may have been cut."""
    end = max(said.rfind(mark) for mark in ".!?")
    return " ".join(said[: end + 1].split())
