"""An uploaded file as checked conversations, or as errors with their line. Knows no database.

Two forms: JSON lines with `messages` (and perhaps `source`), and CSV with the columns question and
answer (and perhaps system and source).
"""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import IO, Any

from training.errors import DatasetRefused
from training.tokens import Turn

MAX_LINE_BYTES = 1_000_000
MAX_LINES = 100_000
ROLES = ("system", "user", "assistant")


@dataclass(frozen=True)
class Row:
    """One checked conversation; `line` is where it starts in the file, from 1."""

    line: int
    turns: list[Turn]
    source: str = ""
    # Keys of the line that mean nothing here.
    unused: frozenset[str] = field(default=frozenset())


@dataclass(frozen=True)
class LineError:
    """Why a line can't be learned from."""

    line: int
    message: str


class _Flaw(Exception):
    """What is wrong with one line."""


def read_rows(filename: str, file: IO[bytes]) -> Iterator[Row | LineError]:
    """Each line of the file, good or bad, in order; blank lines are no lines.

    Raises DatasetRefused for a kind of file that can't be read line by line.
    """
    suffix = PurePath(filename).suffix.lower()
    if suffix in {".jsonl", ".ndjson"}:
        return _read_jsonl(file)
    if suffix == ".csv":
        return _read_csv(file)
    raise DatasetRefused(
        "Only .jsonl files with `messages` and .csv files with the columns question and answer "
        f"can become a dataset; this one ends in '{suffix or filename}'."
    )


def _read_jsonl(file: IO[bytes]) -> Iterator[Row | LineError]:
    number = 0
    while raw := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        if number > MAX_LINES:
            raise DatasetRefused(f"The file has more than {MAX_LINES:,} lines: split it in parts.")
        if len(raw) > MAX_LINE_BYTES:
            _skip_line(file, raw)
            yield LineError(number, f"longer than {MAX_LINE_BYTES // 1_000_000} MB")
        elif raw.strip():
            yield _row(number, raw)


def _skip_line(file: IO[bytes], raw: bytes) -> None:
    while raw and not raw.endswith(b"\n"):
        raw = file.readline(MAX_LINE_BYTES)


def _row(number: int, raw: bytes) -> Row | LineError:
    try:
        value = _parse(raw, first=number == 1)
        turns = check_turns(value.get("messages"))
        unused = frozenset(value) - {"messages", "source"}
        return Row(number, turns, _source(value.get("source")), unused)
    except _Flaw as flaw:
        return LineError(number, str(flaw))


def _parse(raw: bytes, *, first: bool) -> dict[str, Any]:
    try:
        value = json.loads(raw.decode("utf-8-sig" if first else "utf-8"))
    except UnicodeDecodeError as error:
        raise _Flaw("not UTF-8 text: save the file as UTF-8") from error
    except (json.JSONDecodeError, RecursionError) as error:
        raise _Flaw("not valid JSON") from error
    if not isinstance(value, dict):
        raise _Flaw("not a JSON object with `messages`")
    return value


def _source(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > 300:
        raise _Flaw("`source` must be a text of at most 300 characters")
    return _text(value, "source")


def check_turns(value: Any) -> list[Turn]:
    """The messages, when they can be learned from; raises the reason otherwise."""
    if not isinstance(value, list) or not value:
        raise _Flaw("`messages` is missing or empty")
    turns = [_turn(item) for item in value]
    spoken = turns[1:] if turns[0]["role"] == "system" else turns
    if not spoken or spoken[-1]["role"] != "assistant":
        raise _Flaw("the last message must be the assistant's answer")
    for position, turn in enumerate(spoken):
        if turn["role"] != ("user", "assistant")[position % 2]:
            raise _Flaw("user and assistant must take turns, beginning with the user")
    return turns


def _turn(item: Any) -> Turn:
    if not isinstance(item, dict) or item.get("role") not in ROLES:
        raise _Flaw(f"each message needs a role out of {', '.join(ROLES)}")
    if extra := item.keys() - {"role", "content"}:
        raise _Flaw(f"a message has the unknown key '{min(extra)}'")
    return Turn(role=item["role"], content=_text(item.get("content"), item["role"]))


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _Flaw(f"the {what} message is empty" if what in ROLES else f"`{what}` is empty")
    if "\x00" in value or any("\ud800" <= char <= "\udfff" for char in value):
        raise _Flaw(f"the {what} text holds characters that can't be stored")
    return value


def _read_csv(file: IO[bytes]) -> Iterator[Row | LineError]:
    try:
        lines = file.read().decode("utf-8-sig").splitlines(keepends=True)
    except UnicodeDecodeError as error:
        raise DatasetRefused("The file is not UTF-8 text: save it as CSV UTF-8.") from error
    if len(lines) > MAX_LINES:
        raise DatasetRefused(f"The file has more than {MAX_LINES:,} lines: split it in parts.")
    reader = csv.DictReader(lines, strict=True)
    if not {"question", "answer"} <= set(reader.fieldnames or ()):
        raise DatasetRefused("The first line must name the columns question and answer.")
    yield from _csv_rows(reader)


def _csv_rows(reader: "csv.DictReader[str]") -> Iterator[Row | LineError]:
    while True:
        number = reader.line_num + 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DatasetRefused(f"Line {number} is not valid CSV: {error}.") from error
        yield _csv_row(number, record)


def _csv_row(number: int, record: dict[str, Any]) -> Row | LineError:
    roles = {"system": "system", "user": "question", "assistant": "answer"}
    messages = [
        {"role": role, "content": record[column]}
        for role, column in roles.items()
        if record.get(column) or role != "system"
    ]
    known = {"system", "question", "answer", "source"}
    try:
        unused = frozenset(str(name or "a column without a name") for name in record.keys() - known)
        return Row(number, check_turns(messages), _source(record.get("source") or None), unused)
    except _Flaw as flaw:
        return LineError(number, str(flaw))
