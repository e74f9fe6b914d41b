"""Tells engine workers that a question waits, and that one shall stop.

The rows are the record and these messages only hints: with Valkey away nothing is raised, the
worker's reconciler finds the rows by itself.
"""

import json
import logging
from collections.abc import Callable

from django.db import transaction
from redis.exceptions import RedisError

from chat.events import QUESTIONS, STOP_CHANNEL, Event, stream_key
from chat.models import Answer
from phi3site.valkey import prompt_client

# A day: longer than any answer waits, so that nothing stays for ever.
LONGEST = 86_400
# Finished logs stay for late readers; afterwards the row speaks.
KEEP = 900

logger = logging.getLogger(__name__)


def announce(answer: Answer) -> None:
    """Rings for the workers once the transaction commits, and opens the answer's log."""
    transaction.on_commit(lambda: _hint(lambda: _announce(answer)))


def announce_stop(answer: Answer) -> None:
    """Tells the worker that holds the answer, once the transaction commits."""
    transaction.on_commit(
        lambda: _hint(lambda: prompt_client().publish(STOP_CHANNEL, str(answer.pk)))
    )


def announce_end(answer: Answer, event: Event) -> None:
    """The last event of an answer that ended without a worker, once the transaction commits.

    `answer.attempt` must have been raised by whoever ended it, so that the id is the highest.
    """
    transaction.on_commit(lambda: _hint(lambda: _end(answer, event)))


def position(answer: Answer) -> int:
    """How many questions wait before this one."""
    waiting = Answer.objects.filter(status=Answer.Status.QUEUED)
    return waiting.filter(created_at__lt=answer.created_at).count()


def _announce(answer: Answer) -> None:
    queued = json.dumps(Event(type="queued", position=position(answer)))
    key = stream_key(answer.pk)
    with prompt_client().pipeline(transaction=False) as pipe:
        pipe.xadd(QUESTIONS, {"answer": str(answer.pk)}, maxlen=10_000)
        pipe.xadd(key, {"e": queued}, id="0-1")
        pipe.expire(key, LONGEST)
        pipe.execute(raise_on_error=False)


def _end(answer: Answer, event: Event) -> None:
    key = stream_key(answer.pk)
    prompt_client().xadd(key, {"e": json.dumps(event)}, id=f"{answer.attempt}-1")
    prompt_client().expire(key, KEEP)


def _hint(send: Callable[[], object]) -> None:
    try:
        send()
    except RedisError as error:
        logger.warning("Valkey did not take a message (%s); the row stands", type(error).__name__)
