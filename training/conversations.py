"""One record of a file → a checked conversation, whichever of the usual shapes it has.

Shapes: `messages`, ShareGPT (`conversations`), Alpaca (`instruction`, `input`, `output`), and plain
fields under names such as question and answer. Knows no file and no database.
"""

from collections.abc import Mapping
from typing import Any

from training.columns import Columns, guess_columns
from training.tokens import Turn

ROLES = ("system", "user", "assistant")
# Who speaks in ShareGPT files, in the words of the tools that write them.
SPEAKERS = {
    "system": "system",
    **dict.fromkeys(("human", "user"), "user"),
    **dict.fromkeys(("gpt", "assistant", "chatgpt", "model", "bot"), "assistant"),
}
LONGEST_SOURCE = 300


class Flaw(Exception):
    """What is wrong with one record."""


def read_record(record: Mapping[str, Any]) -> tuple[list[Turn], str, frozenset[str]]:
    """Turns, source, and the keys that mean nothing here; raises Flaw."""
    if "messages" in record:
        messages, used, odd = record["messages"], {"messages"}, frozenset[str]()
    elif "conversations" in record:
        messages, used, odd = *_sharegpt(record), _odd_keys(record["conversations"])
    elif "instruction" in record:
        messages, used, odd = *_alpaca(record), frozenset[str]()
    elif columns := Columns.complete(guess_columns(list(record))):
        return read_columns(record, columns)
    else:
        raise Flaw(
            "`messages` is missing or empty, and there are neither `conversations` nor "
            "`instruction` and `output`"
        )
    turns = check_turns(messages)
    return turns, check_source(record.get("source")), frozenset(record) - used - {"source"} | odd


def read_columns(
    record: Mapping[str, Any], columns: Columns
) -> tuple[list[Turn], str, frozenset[str]]:
    """A record of named cells as question and answer; raises Flaw."""
    question = record.get(columns.question) or ""
    context = record.get(columns.context) if columns.context else ""
    if context and isinstance(question, str) and question.strip():
        question = f"{question.rstrip()}\n\n{_words(context, columns.context).strip()}"
    messages = [
        {"role": "user", "content": question},
        {"role": "assistant", "content": record.get(columns.answer)},
    ]
    if system := record.get(columns.system) if columns.system else "":
        messages.insert(0, {"role": "system", "content": system})
    source = check_source(record.get(columns.source) or None) if columns.source else ""
    unused = frozenset(
        str(name or "a column without a name") for name in record.keys() - columns.chosen()
    )
    return check_turns(messages), source, unused


def check_turns(value: Any) -> list[Turn]:
    """The messages, when they can be learned from; raises the reason otherwise."""
    if not isinstance(value, list) or not value:
        raise Flaw("`messages` is missing or empty")
    turns = [_turn(item) for item in value]
    spoken = turns[1:] if turns[0]["role"] == "system" else turns
    if not spoken or spoken[-1]["role"] != "assistant":
        raise Flaw("the last message must be the assistant's answer")
    for position, turn in enumerate(spoken):
        if turn["role"] != ("user", "assistant")[position % 2]:
            raise Flaw("user and assistant must take turns, beginning with the user")
    return turns


def check_source(value: Any) -> str:
    """Where the example comes from; nothing is an answer, too."""
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > LONGEST_SOURCE:
        raise Flaw(f"`source` must be a text of at most {LONGEST_SOURCE} characters")
    return _text(value, "source")


def _sharegpt(record: Mapping[str, Any]) -> tuple[list[dict[str, Any]], set[str]]:
    said = record["conversations"]
    if not isinstance(said, list) or not said:
        raise Flaw("`conversations` is empty or no list")
    messages = [_spoken(item) for item in said]
    if record.get("system"):
        if messages[0]["role"] == "system":
            raise Flaw("there are two system messages: one in `conversations`, one beside it")
        messages.insert(0, {"role": "system", "content": record["system"]})
    return messages, {"conversations", "system"}


def _spoken(item: Any) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise Flaw("each of `conversations` needs `from` and `value`")
    speaker = item.get("from", item.get("role"))
    role = SPEAKERS.get(speaker) if isinstance(speaker, str) else None
    if role is None:
        raise Flaw(f"nobody called '{str(speaker)[:40]}' can speak here: human, gpt or system")
    return {"role": role, "content": item.get("value", item.get("content"))}


def _odd_keys(said: Any) -> frozenset[str]:
    known = {"from", "role", "value", "content"}
    return frozenset(f"conversations.{key}" for item in said for key in item.keys() - known)


def _alpaca(record: Mapping[str, Any]) -> tuple[list[dict[str, Any]], set[str]]:
    instruction = _words(record["instruction"], "instruction")
    given = _words(record.get("input") or "", "input").strip()
    question = f"{instruction.rstrip()}\n\n{given}" if given else instruction
    messages: list[dict[str, Any]] = []
    if record.get("system"):
        messages.append({"role": "system", "content": record["system"]})
    for pair in _history(record.get("history") or []):
        messages += [
            {"role": role, "content": text}
            for role, text in zip(("user", "assistant"), pair, strict=True)
        ]
    messages.append({"role": "user", "content": question})
    messages.append({"role": "assistant", "content": record.get("output")})
    return messages, {"instruction", "input", "output", "system", "history"}


def _history(value: Any) -> list[list[Any]]:
    if not isinstance(value, list) or not all(
        isinstance(pair, list) and len(pair) == 2 for pair in value
    ):
        raise Flaw("`history` must be a list of pairs of question and answer")
    return value


def _words(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise Flaw(f"`{what}` is no text")
    return value


def _turn(item: Any) -> Turn:
    if not isinstance(item, dict) or item.get("role") not in ROLES:
        raise Flaw(f"each message needs a role out of {', '.join(ROLES)}")
    if extra := item.keys() - {"role", "content"}:
        raise Flaw(f"a message has the unknown key '{min(extra)}'")
    return Turn(role=item["role"], content=_text(item.get("content"), item["role"]))


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Flaw(f"the {what} message is empty" if what in ROLES else f"`{what}` is empty")
    if "\x00" in value or any("\ud800" <= char <= "\udfff" for char in value):
        raise Flaw(f"the {what} text holds characters that can't be stored")
    return value
