"""A model server played by a test: speaks OpenAI's streaming protocol, says a word when told to.

The site reaches it through its `remote` engine, so everything up to the model's own words is real,
and a test decides what has been said at the moment in which it reloads, stops or kills something.
"""

import json
import re
import select
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, Queue


class ModelServer:
    """Serves `/v1/chat/completions`; each request becomes a `Reply`, in order."""

    def __init__(self):
        self.replies = Queue()
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1"
        self.thread = threading.Thread(target=self.http.serve_forever, daemon=True)
        self.thread.start()

    def next_reply(self, timeout=60):
        """The reply that the site has just asked for."""
        return self.replies.get(timeout=timeout)

    def forget(self):
        """Ends what an earlier test left unsaid."""
        while not self.replies.empty():
            self.replies.get().finish()

    def close(self):
        self.forget()
        self.http.shutdown()
        self.http.server_close()


class Reply:
    """One answer under way: `say` its words, then `finish`."""

    def __init__(self, prompt):
        self.prompt, self.words, self.hung_up = prompt, Queue(), threading.Event()

    def say(self, *words):
        for word in words:
            self.words.put(word)

    def finish(self):
        self.words.put(None)

    def answer(self, text):
        self.say(*re.findall(r"\S+\s*", text))
        self.finish()


def _handler(server):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            length = int(self.headers["Content-Length"])
            reply = Reply(json.loads(self.rfile.read(length)))
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            server.replies.put(reply)
            try:
                self._stream(reply)
            except OSError:
                reply.hung_up.set()

        def _stream(self, reply):
            while True:
                try:
                    word = reply.words.get(timeout=0.05)
                except Empty:
                    if select.select([self.connection], [], [], 0)[0]:
                        return reply.hung_up.set()
                    continue
                if word is None:
                    return self._send({"delta": {}, "finish_reason": "stop"})
                self._send({"delta": {"content": word}, "finish_reason": None})

        def _send(self, choice):
            self.wfile.write(f"data: {json.dumps({'choices': [choice]})}\n\n".encode())
            self.wfile.flush()

        def log_message(self, *_):
            pass

    return Handler
