"""An uploaded file as checked conversations, or as errors with their place. Knows no database.

JSON lines and JSON arrays hold one conversation each line or item (see conversations); CSV files
and workbooks hold one each row (see sheets), under columns that are known or chosen.
"""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import IO, Any

from training.columns import Columns, guess_columns, is_plain
from training.conversations import Flaw, read_columns, read_record
from training.errors import DatasetRefused
from training.sheets import SUFFIXES, Sheet, open_sheet
from training.tokens import Turn

MAX_LINE_BYTES = 1_000_000
MAX_LINES = 100_000
ACCEPTED = (".jsonl", ".ndjson", ".json", *SUFFIXES)


@dataclass(frozen=True)
class Row:
    """One checked conversation; `line` is its place in the file, from 1, counted in the unit."""

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


@dataclass(frozen=True)
class Reading:
    """What a file holds, in order; `unit` is what places are counted in: line, item or row."""

    rows: Iterator[Row | LineError]
    unit: str = "line"
    warnings: tuple[str, ...] = ()


def read_rows(filename: str, file: IO[bytes]) -> Iterator[Row | LineError]:
    """Each line, item or row of the file, good or bad, in order; blank ones are none."""
    return read_file(filename, file).rows


def read_file(filename: str, file: IO[bytes], columns: Columns | None = None) -> Reading:
    """Raises DatasetRefused for a file that can't be read one by one.

    `columns` says what the columns of a table mean; those called question and answer need no word.
    """
    suffix = suffix_of(filename)
    if suffix in {".jsonl", ".ndjson"}:
        return Reading(_read_jsonl(file))
    if suffix == ".json":
        return _read_json(file)
    if suffix in SUFFIXES:
        sheet = open_sheet(suffix, file)
        chosen = _choose(sheet, columns)
        return Reading(_read_sheet(sheet, chosen), sheet.unit, tuple(sheet.warnings))
    raise DatasetRefused(
        "Only .jsonl, .json, .csv and .xlsx files can become a dataset; this one ends in "
        f"'{suffix or filename}'."
    )


def suffix_of(filename: str) -> str:
    """The file's ending, in small letters."""
    return PurePath(filename).suffix.lower()


def needs_columns(filename: str) -> bool:
    """Whether the file is a table, whose columns may have any name."""
    return suffix_of(filename) in SUFFIXES


def _choose(sheet: Sheet, columns: Columns | None) -> Columns:
    if columns and (missing := columns.chosen() - set(sheet.header)):
        raise DatasetRefused(f"There is no column called “{min(missing)}”.", code="columns_needed")
    guessed = Columns.complete(guess_columns(sheet.header)) if is_plain(sheet.header) else None
    if chosen := columns or guessed:
        return chosen
    raise DatasetRefused(
        "The first line must name the columns question and answer. Where they are called "
        "otherwise, say which they are.",
        code="columns_needed",
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
            yield _line(number, raw)


def _skip_line(file: IO[bytes], raw: bytes) -> None:
    while raw and not raw.endswith(b"\n"):
        raw = file.readline(MAX_LINE_BYTES)


def _line(number: int, raw: bytes) -> Row | LineError:
    try:
        return _row(number, _parse(raw, first=number == 1))
    except Flaw as flaw:
        return LineError(number, str(flaw))


def _parse(raw: bytes, *, first: bool) -> Any:
    try:
        return json.loads(raw.decode("utf-8-sig" if first else "utf-8"))
    except UnicodeDecodeError as error:
        raise Flaw("not UTF-8 text: save the file as UTF-8") from error
    except (json.JSONDecodeError, RecursionError) as error:
        raise Flaw("not valid JSON") from error


def _row(number: int, value: Any) -> Row | LineError:
    try:
        if not isinstance(value, dict):
            raise Flaw("not a JSON object with `messages`")
        return Row(number, *read_record(value))
    except Flaw as flaw:
        return LineError(number, str(flaw))


def _read_json(file: IO[bytes]) -> Reading:
    """An array of conversations; some files of that ending hold JSON lines instead."""
    try:
        text = file.read().decode("utf-8-sig").lstrip()
    except UnicodeDecodeError as error:
        raise DatasetRefused("The file is not UTF-8 text: save it as UTF-8.") from error
    if text.startswith("["):
        return Reading(_items(text), "item")
    return Reading(_read_jsonl(io.BytesIO(text.encode())))


def _items(text: str) -> Iterator[Row | LineError]:
    """Item after item, so that only one is in memory beside the text."""
    decoder, at, number = json.JSONDecoder(), _skip(text, 1), 0
    while text[at : at + 1] != "]":
        number += 1
        if number > MAX_LINES:
            raise DatasetRefused(f"The file has more than {MAX_LINES:,} items: split it in parts.")
        try:
            value, end = decoder.raw_decode(text, at)
        except (json.JSONDecodeError, RecursionError) as error:
            raise _broken(text, at) from error
        is_long = end - at > MAX_LINE_BYTES
        yield LineError(number, "longer than 1 MB") if is_long else _row(number, value)
        at = _skip(text, end)
        if text[at : at + 1] == ",":
            at = _skip(text, at + 1)
        elif text[at : at + 1] != "]":
            raise _broken(text, at)
    if _skip(text, at + 1) < len(text):
        raise _broken(text, at + 1)


def _skip(text: str, at: int) -> int:
    """The next place that holds no blank."""
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def _broken(text: str, at: int) -> DatasetRefused:
    line = text.count("\n", 0, at) + 1
    return DatasetRefused(
        f"The array is not valid JSON from line {line:,} on, so nothing after it can be read. "
        "Correct it, or save one conversation per line as .jsonl."
    )


def _read_sheet(sheet: Sheet, columns: Columns) -> Iterator[Row | LineError]:
    for number, record in sheet.records():
        try:
            yield Row(number, *read_columns(record, columns))
        except Flaw as flaw:
            yield LineError(number, str(flaw))
