"""Between words and token ids: messages become a prompt, tokens become pieces of text.

Untrusted text in a message never becomes a special token, and no piece ends in the middle of a
character. Knows a tokenizer; no model and no adapter.
"""

import re
import secrets
import threading
from collections.abc import Sequence
from typing import Any

from chat.engine import EngineError, Message, Prompt


class PromptRenderer:
    """Applies a tokenizer's chat template safely. May be used from several threads."""

    def __init__(self, tokenizer: Any, stop_ids: frozenset[int]) -> None:
        self._tokenizer = tokenizer
        self._backend = tokenizer.backend_tokenizer
        added = tokenizer.added_tokens_decoder
        named = {i: token for i, token in added.items() if token.special or i in stop_ids}
        self.special_ids = frozenset(named) | frozenset(tokenizer.all_special_ids) | stop_ids
        self._tokens = {token.content: token for token in named.values()}
        longest_first = sorted(self._tokens, key=len, reverse=True)
        self._special = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")
        self._lock = threading.Lock()

    def render(self, messages: Sequence[Message]) -> Prompt:
        """The prompt whose special tokens are exactly those that the template puts there."""
        clean = [_clean(message) for message in messages]
        parts = self._parts(clean)
        wanted = [i for text, ours in parts if ours for i in self._encode(text) if self._is(i)]
        text = self._apply(clean)
        ids = self._encode(text)
        if [i for i in ids if self._is(i)] != wanted:  # a content looks like special tokens
            text = "".join(part for part, _ in parts)
            ids = self._encode_apart(parts)
        if [i for i in ids if self._is(i)] != wanted:
            raise EngineError("prompt_refused", "The prompt holds control tokens of the model.")
        return Prompt(messages=tuple(messages), text=text, token_ids=tuple(ids))

    def count(self, text: str) -> int:
        """Tokens of a plain text."""
        return len(self._encode(_valid(text), plain=True))

    def _is(self, token_id: int) -> bool:
        return token_id in self.special_ids

    def _apply(self, messages: Sequence[Message]) -> str:
        is_begun = bool(messages) and messages[-1]["role"] == "assistant"
        return str(
            self._tokenizer.apply_chat_template(
                list(messages),
                tokenize=False,
                add_generation_prompt=not is_begun,
                continue_final_message=is_begun,
            )
        )

    def _parts(self, messages: Sequence[Message]) -> list[tuple[str, bool]]:
        """The prompt as (text, is it the template's); contents are found by what stands for them.

        Empty contents stay empty, because templates may leave such messages out.
        """
        nonce = secrets.token_hex(8)
        marks = {f"{nonce}x{i}x": m["content"] for i, m in enumerate(messages)}
        stand_ins: list[Message] = [
            {"role": m["role"], "content": mark if m["content"].strip() else m["content"]}
            for m, mark in zip(messages, marks, strict=True)
        ]
        pieces = re.split(f"({nonce}x\\d+x)", self._apply(stand_ins))
        return [(marks.get(piece, piece), piece not in marks) for piece in pieces if piece]

    def _encode_apart(self, parts: Sequence[tuple[str, bool]]) -> list[int]:
        """Splits at the template's special tokens only and encodes what lies between as text."""
        runs, specials = [""], []
        for text, is_ours in parts:
            found = list(self._special.finditer(text)) if is_ours else []
            start = 0
            for match in found:
                runs[-1] += text[start : match.start()]
                specials.append(match.group())
                runs.append("")
                start = match.end()
            runs[-1] += text[start:]
        ids = self._encode(runs[0], plain=True)
        for name, run in zip(specials, runs[1:], strict=True):
            token = self._tokens[name]
            ids += [self._tokenizer.convert_tokens_to_ids(name)]
            ids += self._encode(run.lstrip() if token.rstrip else run, plain=True)
        return ids

    def _encode(self, text: str, *, plain: bool = False) -> list[int]:
        if not text:
            return []
        with self._lock:  # the flag belongs to the tokenizer that all callers share
            self._backend.encode_special_tokens = plain
            try:
                return list(self._backend.encode(text, add_special_tokens=False).ids)
            finally:
                self._backend.encode_special_tokens = False


class TextStream:
    """Turns tokens into text as they come, whole characters only, without special tokens."""

    def __init__(self, tokenizer: Any, special_ids: frozenset[int]) -> None:
        self._tokenizer, self._special = tokenizer, special_ids
        self._ids: list[int] = []
        # Text before `_start` is settled; between `_start` and `_told` it gives context, because
        # the same token reads differently at the beginning of a text.
        self._start = self._told = 0

    def add(self, token_ids: Sequence[int], *, is_last: bool = False) -> str:
        """The text that these tokens finish; the last call drops what never became a character."""
        self._ids += [i for i in token_ids if i not in self._special]
        context = self._decode(self._ids[self._start : self._told])
        text = self._decode(self._ids[self._start :])
        if is_last:
            return text.rstrip("\ufffd")[len(context) :]
        if text.endswith("\ufffd") or len(text) <= len(context):
            return ""
        self._start, self._told = self._told, len(self._ids)
        return text[len(context) :]

    def _decode(self, ids: list[int]) -> str:
        return str(self._tokenizer.decode(ids, clean_up_tokenization_spaces=False)) if ids else ""


def _clean(message: Message) -> Message:
    return {"role": message["role"], "content": _valid(message["content"])}


def _valid(text: str) -> str:
    """Half a surrogate pair is no text; tokenizers refuse it."""
    return text.encode("utf-8", "replace").decode("utf-8")
