"""The one socket of the chat: hears ask, stop and resume, sends what answers' logs hold.

It never awaits an answer: following one is a task of its own, so the next frame is always heard.
"""

import asyncio
import json
import logging
from typing import Any
from uuid import UUID

from channels.generic.websocket import AsyncWebsocketConsumer
from pydantic import ValidationError

from chat import asking
from chat.conversations import find_answer
from chat.errors import ChatError
from chat.events import LAST_EVENTS, Event, frame
from chat.frames import FRAMES, Ask, Resume, Stop
from chat.hub import Entry, ReaderTooSlow, coalesce, get_hub
from chat.models import Answer
from chat.reading import answer_html, show_answer
from chat.revocation import Ticket, get_watch
from chat.stream import parse_id
from chat.tabs import get_tabs
from chat.threads import in_thread

LONGEST_FRAME = 64 * 1024
MOST_ERRORS = 10
# At most 20 frames a second for one answer.
FRAME_PAUSE = 0.05
# Seconds of silence after which the row is asked whether the answer is over.
SILENCE = 3.0
UNAUTHENTICATED, GARBAGE, TOO_SLOW, TOO_LONG = 4401, 4400, 4408, 1009

logger = logging.getLogger(__name__)


class ChatConsumer(AsyncWebsocketConsumer):
    """One browser's socket."""

    async def connect(self) -> None:
        """Lets in who may ask."""
        self._errors, self._tasks = 0, dict[UUID, asyncio.Task[None]]()
        self._ticket: Ticket | None = None
        self._user = self.scope.get("user")
        if not await in_thread(_may_ask)(self._user):
            await self.close(code=UNAUTHENTICATED)
            return
        session = self.scope.get("session")
        self._ticket = Ticket(self._user, getattr(session, "session_key", None), self._end)
        get_watch().add(self._ticket)
        get_tabs().add(self._ticket.user_id, self._changed)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        """The answers go on; only the following ends."""
        if self._ticket is not None:
            get_watch().remove(self._ticket)
            get_tabs().remove(self._ticket.user_id, self._changed)
        for task in self._tasks.values():
            task.cancel()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Handles one frame; what can't be read or done is answered with an error frame."""
        if len(text_data or bytes_data or "") > LONGEST_FRAME:
            await self.close(code=TOO_LONG)
            return
        try:
            message = FRAMES.validate_json(text_data or "")
        except (ValidationError, ValueError, RecursionError):
            await self._refuse("bad_frame", "This message is not understood. Reload the page.")
            return
        client_id = message.client_id if isinstance(message, Ask) else None
        try:
            await self._handle(message)
        except ChatError as error:
            await self._refuse(error.code, error.message, client_id=client_id)
        except Exception:
            logger.exception("a frame of type %s failed", message.type)
            words = "Something went wrong on our side. Nothing was lost; try again."
            await self._refuse("internal", words, client_id=client_id)

    async def _handle(self, message: Ask | Stop | Resume) -> None:
        if isinstance(message, Ask):
            asked = await in_thread(_ask)(self._user, message)
            await self._send({"type": "asked", **asked})
            self._follow(UUID(asked["answer"]), (0, 0))
        elif isinstance(message, Stop):
            await in_thread(asking.request_stop)(self._user, message.answer)
        else:
            last = parse_id(message.last)
            await in_thread(find_answer)(self._user, message.answer)
            self._follow(message.answer, last)

    def _follow(self, answer_id: UUID, last: tuple[int, int]) -> None:
        """Starts following from there, in place of an earlier following of the same answer."""
        if earlier := self._tasks.pop(answer_id, None):
            earlier.cancel()
        task = asyncio.create_task(self._pump(answer_id, last))
        self._tasks[answer_id] = task
        task.add_done_callback(lambda _: self._forget(answer_id, task))

    def _forget(self, answer_id: UUID, task: asyncio.Task[None]) -> None:
        if self._tasks.get(answer_id) is task:
            del self._tasks[answer_id]
        if not task.cancelled() and (error := task.exception()):
            logger.error("following %s failed", answer_id, exc_info=error)

    async def _pump(self, answer_id: UUID, last: tuple[int, int]) -> None:
        subscription = get_hub().follow(answer_id, last)
        silence = FRAME_PAUSE
        try:
            while not await self._pass_on(answer_id, await subscription.next(silence)):
                if subscription.last == last and await self._send_snapshot(answer_id):
                    return
                last, silence = subscription.last, SILENCE
                await asyncio.sleep(FRAME_PAUSE)
        except ReaderTooSlow:
            await self.close(code=TOO_SLOW)
        finally:
            subscription.close()

    async def _pass_on(self, answer_id: UUID, entries: list[Entry]) -> bool:
        """Sends events; True when the last one of the answer was among them."""
        for entry_id, event in coalesce(entries):
            await self._send(frame(answer_id, entry_id, event))
            if event["type"] in LAST_EVENTS:
                return True
        return False

    async def _send_snapshot(self, answer_id: UUID) -> bool:
        """Nothing came: when the row is finished, the log is gone or was read; the row speaks."""
        event = await in_thread(_snapshot)(self._user, answer_id)
        if event is not None:
            await self._send(frame(answer_id, "", event))
        return event is not None

    async def _refuse(self, code: str, message: str, *, client_id: UUID | None = None) -> None:
        self._errors += 1
        reply = {"type": "error", "code": code, "message": message}
        if client_id is not None:
            reply["client_id"] = str(client_id)
        await self._send(reply)
        if self._errors > MOST_ERRORS:
            await self.close(code=GARBAGE)

    async def _send(self, content: dict[str, Any]) -> None:
        await self.send(text_data=json.dumps(content, ensure_ascii=False))

    async def _changed(self, conversation: str) -> None:
        """One of the person's conversations has changed, in this tab or another."""
        await self._send({"type": "changed", "conversation": conversation})

    async def _end(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await self.close(code=UNAUTHENTICATED)


def _may_ask(user: Any) -> bool:
    """Whether somebody is signed in who may ask."""
    return bool(user is not None and user.is_authenticated and user.has_perm("chat.ask"))


def _ask(user: Any, message: Ask) -> dict[str, str]:
    answer = asking.ask(
        user,
        client_id=message.client_id,
        question=message.question,
        expert_id=message.expert,
        conversation_id=message.conversation,
        edits=message.edits,
    )
    question = answer.question
    return {
        "client_id": str(question.client_id),
        "conversation": str(question.conversation_id),
        "question": str(question.pk),
        "answer": str(answer.pk),
        "title": question.conversation.title,
    }


def _snapshot(user: Any, answer_id: UUID) -> Event | None:
    answer: Answer = find_answer(user, answer_id)
    if not answer.is_finished:
        return None
    html = answer_html(show_answer(answer, user), user)
    return Event(type="snapshot", status=answer.status, html=html)
