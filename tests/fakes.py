"""Stand-ins at the three doors: encoder, engine and reranker. Everything else is real."""

import hashlib
import re

import numpy as np

from chat.engine import Fingerprint, Piece, Prompt


class HashEncoder:
    """Vectors from hashed words: texts that share words are near each other. No model."""

    name, revision, dimensions, max_tokens = "hash", "1", 384, 256

    def encode_passages(self, texts):
        return np.array([self._vector(text) for text in texts], dtype=np.float32)

    def encode_query(self, text):
        return self._vector(text)

    def count_tokens(self, texts):
        return [len(re.findall(r"\w+|[^\w\s]", text)) for text in texts]

    def _vector(self, text):
        vector = np.full(self.dimensions, 1e-3, dtype=np.float32)
        for word in re.findall(r"\w+", text.lower()):
            vector[int(hashlib.md5(word.encode()).hexdigest(), 16) % self.dimensions] += 1
        return vector / np.linalg.norm(vector)


class ScriptedEngine:
    """Yields the pieces it was given; waits at `gate` before each when one is set."""

    context_limit = 4096
    is_alive = True

    def __init__(self, pieces=("The seal kit ", "is SK-17 [1]."), gate=None):
        self.pieces, self.gate = list(pieces), gate
        self.prompts, self.closed_streams = [], 0
        self.fingerprint = Fingerprint("scripted", "w" * 64, "t" * 64, "c" * 64, "scripted")

    def render(self, messages):
        text = "\n".join(f"{m['role']}: {m['content']}" for m in messages)
        return Prompt(messages, text, tuple(text.encode()))

    def count_tokens(self, text):
        return len(text.split())

    async def stream(self, prompt, sampling, *, adapter=None):
        self.prompts.append((prompt, sampling, adapter))
        try:
            for piece in self.pieces:
                if self.gate is not None:
                    await self.gate(piece)
                yield Piece(piece, tokens=1)
            yield Piece("", stop_reason="stop")
        finally:
            self.closed_streams += 1

    def adapters(self):
        return []

    def close(self):
        pass
