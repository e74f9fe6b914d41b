"""What the log of an answer holds: the events that a browser hears, as dictionaries of JSON.

An event's id is `attempt-number`: ids of one attempt have no gaps, a later attempt's are higher.
"""

from typing import Any, NotRequired, TypedDict
from uuid import UUID

STREAM_KEY = "answer:{}"
QUESTIONS = "questions"
ENGINE_GROUP = "engine"
STOP_CHANNEL = "stop"
HEARTBEAT_KEY = "engine:heartbeat:{}"

# After one of these nothing follows.
LAST_EVENTS = frozenset({"done", "stopped", "failed"})


class Event(TypedDict):
    """One event of an answer's log; which keys it has beyond `type` depends on the type."""

    type: str
    # searching, restarted: nothing more. queued:
    position: NotRequired[int]
    # passages:
    count: NotRequired[int]
    # The key passage as a partial, empty without one.
    key: NotRequired[str]
    # passages, block, done, stopped, failed, snapshot:
    html: NotRequired[str]
    # text:
    text: NotRequired[str]
    # failed:
    code: NotRequired[str]
    message: NotRequired[str]
    # snapshot:
    status: NotRequired[str]


class Frame(Event):
    """An event as it goes over the socket."""

    answer: str
    id: str


def stream_key(answer_id: UUID | str) -> str:
    """The Valkey key of an answer's log."""
    return STREAM_KEY.format(answer_id)


def frame(answer_id: UUID | str, event_id: str, event: Event) -> dict[str, Any]:
    """The event with its answer and id."""
    return {**event, "answer": str(answer_id), "id": event_id}
