"""The other end of the conversation's websocket, played by a test: says exactly what it is told.

With it a page can be brought into every state that the protocol knows, in any order, without an
engine; `tests/browser/test_chat_story.py` tells the same story with the real one.
"""

import json
import uuid


class ScriptedSocket:
    """Stands in for /ws/chat/ on one page; keeps every connection and what the page said."""

    def __init__(self):
        self.routes, self.said, self.accepts = [], [], True

    def install(self, page):
        page.route_web_socket("**/ws/chat/", self._opened)

    def _opened(self, route):
        if not self.accepts:
            route.close(code=1011)
            return
        self.routes.append(route)
        route.on_message(lambda text: self.said.append(json.loads(text)))

    def tell(self, **message):
        self.routes[-1].send(json.dumps(message))

    def drop(self, code=1012):
        self.routes[-1].close(code=code)

    def all_said(self, kind):
        return [message for message in self.said if message["type"] == kind]

    def hear(self, page, kind, count=1):
        """Waits until the page has said something of this kind; returns the newest."""
        for _ in range(1200):
            if len(self.all_said(kind)) >= count:
                return self.all_said(kind)[-1]
            page.wait_for_timeout(50)
        raise AssertionError(f"the page never said {kind!r}; it said {self.said}")


class ScriptedAnswer:
    """One answer under way: numbers its events as the server does."""

    def __init__(self, socket, ask, conversation=None):
        self.socket, self.number, self.attempt = socket, 0, 1
        self.id, self.conversation = str(uuid.uuid4()), conversation or str(uuid.uuid4())
        socket.tell(
            type="asked",
            client_id=ask["client_id"],
            conversation=self.conversation,
            question=str(uuid.uuid4()),
            answer=self.id,
            title=ask["question"],
        )

    def event(self, kind, **fields):
        self.number += 1
        return self.send(f"{self.attempt}-{self.number}", kind, **fields)

    def send(self, event_id, kind, **fields):
        self.socket.tell(type=kind, answer=self.id, id=event_id, **fields)
        return event_id

    def restart(self):
        self.attempt, self.number = self.attempt + 1, 0
        return self.event("restarted")

    def html(self, status="complete", body="", extra=""):
        """A final answer as the server would render it."""
        return (
            f'<article class="answer" data-answer="{self.id}" data-status="{status}">'
            f"<div data-body>{body}</div><div data-passages hidden></div>{extra}</article>"
        )


def source_list(*titles):
    items = "".join(
        f'<li class="source" data-marker="{number}"><a data-source href="/chat/passages/{number}/">'
        f"{title}</a><div data-detail hidden></div></li>"
        for number, title in enumerate(titles, 1)
    )
    return f'<ol class="source-list" data-source-list>{items}</ol>'
