"""Messages as the very token ids that the base model sees, without any model library.

Follows `apply_chat_template` with one difference: only the template makes special tokens. The same
characters inside a message stay plain text, so that no example can speak in another role.
"""

import json
import re
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol, TypedDict

from jinja2.sandbox import ImmutableSandboxedEnvironment

# Two private characters around a number stand for special-token text inside a message.
_OPEN, _SHUT = "\ue0f0", "\ue0f1"
_HELD = re.compile(f"{_OPEN}(\\d+){_SHUT}")
_ANSWER = "\ue0f2"


class Turn(TypedDict):
    """One message of a conversation."""

    role: str
    content: str


class Codec(Protocol):
    """Turns messages into ids exactly as serving does."""

    # The token that ends an answer.
    end: int

    def prompt(self, turns: Sequence[Turn]) -> list[int]:
        """Ids of the prompt that asks for an answer to these messages."""
        ...

    def plain(self, text: str) -> list[int]:
        """Ids of a text, never a special one."""
        ...

    def words(self, ids: Sequence[int]) -> list[str]:
        """Each id as text, for people."""
        ...

    def is_special(self, number: int) -> bool:
        """Whether only the template makes this id."""
        ...


class FolderCodec:
    """A codec over tokenizer.json and the chat template of a model folder."""

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer  # megabytes that a web process mostly does without

        config = _read(folder / "tokenizer_config.json")
        template = folder / "chat_template.jinja"
        text = template.read_text("utf-8") if template.is_file() else config["chat_template"]
        self._names = {
            name: _name(config[name]) for name in ("bos_token", "eos_token") if config.get(name)
        }
        self._template = _environment().from_string(text)
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        # From here on special tokens come from `_specials` only.
        self._tokenizer.encode_special_tokens = True
        added = self._tokenizer.get_added_tokens_decoder()
        self._specials = {token.content: number for number, token in added.items() if token.special}
        self._special_ids = frozenset(self._specials.values())
        self._stripping = {token.content for token in added.values() if token.rstrip}
        longest_first = sorted(self._specials, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first)))
        self._unsafe = re.compile(f"{self._pattern.pattern}|{_OPEN}")
        self.end = self._find_end()

    def prompt(self, turns: Sequence[Turn]) -> list[int]:
        """Ids of the prompt that asks for an answer to these messages."""
        held: list[str] = []

        def hold(match: re.Match[str]) -> str:
            held.append(match.group())
            return f"{_OPEN}{len(held) - 1}{_SHUT}"

        safe = [
            Turn(role=turn["role"], content=self._unsafe.sub(hold, turn["content"]))
            for turn in turns
        ]
        return self._encode(self._render(safe), held)

    def plain(self, text: str) -> list[int]:
        """Ids of a text, never a special one."""
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def words(self, ids: Sequence[int]) -> list[str]:
        """Each id as text, for people."""
        return [self._tokenizer.decode([number], skip_special_tokens=False) for number in ids]

    def is_special(self, number: int) -> bool:
        """Whether only the template makes this id."""
        return number in self._special_ids

    def text(self, ids: Sequence[int]) -> str:
        """Ids as text, with special tokens visible."""
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=False))

    def _render(self, turns: Sequence[Turn], *, asks: bool = True) -> str:
        return self._template.render(
            messages=list(turns), add_generation_prompt=asks, **self._names
        )

    def _encode(self, text: str, held: list[str]) -> list[int]:
        ids: list[int] = []
        end = 0
        for match in self._pattern.finditer(text):
            ids += self._segment(text[end : match.start()], held)
            ids.append(self._specials[match.group()])
            end = match.end()
            if match.group() in self._stripping:
                end += len(text[end:]) - len(text[end:].lstrip())
        return ids + self._segment(text[end:], held)

    def _segment(self, text: str, held: list[str]) -> list[int]:
        restored = _HELD.sub(lambda match: held[int(match.group(1))], text)
        return self.plain(restored) if restored else []

    def _find_end(self) -> int:
        turns = [Turn(role="user", content="?"), Turn(role="assistant", content=_ANSWER)]
        after = self._render(turns, asks=False).rpartition(_ANSWER)[2]
        match = self._pattern.search(after)
        return self._specials[match.group() if match else self._names["eos_token"]]


def folder_codec(folder: Path) -> FolderCodec:
    """The codec of a model folder, kept in memory while its tokenizer does not change."""
    return _codec(folder, (folder / "tokenizer.json").stat().st_mtime_ns)


@lru_cache(maxsize=1)
def _codec(folder: Path, changed: int) -> FolderCodec:
    return FolderCodec(folder)


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.globals["raise_exception"] = _refuse
    environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    return environment


def _refuse(message: str) -> str:
    raise ValueError(message)


def _name(token: Any) -> str:
    return str(token["content"] if isinstance(token, dict) else token)


def _read(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return value
