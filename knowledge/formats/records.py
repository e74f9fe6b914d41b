"""JSON and JSON lines → records that can be read: each one kept, or counted as not read.

Records of the same few fields become a table; others a paragraph each, field by field. Knows no
schema.
"""

import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from knowledge.blocks import Block, Extracted
from knowledge.counts import counted
from knowledge.errors import ExtractionFailed
from knowledge.formats.grids import table_block
from knowledge.texts import decode

# Records with more or longer fields than this are better read one below the other.
WIDEST_TABLE = 40
LONGEST_ROW = 700
MAX_DEPTH = 60
_LONGEST_NUMBER = 400

Record = dict[str, str]


def read(data: bytes, *, is_lines: bool) -> Extracted:
    """The file's records in its order."""
    text, warnings = decode(data)
    if is_lines:
        values, broken = _lines(text)
        blocks = [*_list_blocks(values, 0), *(Block("paragraph", line) for _n, line in broken)]
        if broken:
            warnings.append(_broken_words(broken))
        return Extracted(blocks=tuple(blocks), warnings=tuple(warnings))
    try:
        value = _parse(text)
    except ValueError as error:
        raise ExtractionFailed(
            f"The file is no valid JSON: {error}. Mend it, or save it as .txt.",
            code="json_invalid",
        ) from error
    return Extracted(blocks=tuple(_blocks(value, 0)), warnings=tuple(warnings))


def _parse(text: str) -> Any:
    """The value. Numbers stay as they are written: none is too long, none is rounded."""
    try:
        return json.loads(text, parse_float=str, parse_int=_integer)
    except RecursionError as error:
        raise ExtractionFailed(
            "The JSON is nested deeper than can be read. Flatten it, then upload it again.",
            code="too_deep",
        ) from error


def _integer(digits: str) -> int | str:
    return digits if len(digits) > _LONGEST_NUMBER else int(digits)


def _lines(text: str) -> tuple[list[Any], list[tuple[int, str]]]:
    """A value for each line, and the lines that hold none."""
    values: list[Any] = []
    broken: list[tuple[int, str]] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            values.append(_parse(line))
        except (ValueError, ExtractionFailed):
            broken.append((number, line.strip()))
    return values, broken


def _broken_words(broken: list[tuple[int, str]]) -> str:
    first = ", ".join(f"{number:,}" for number, _line in broken[:5])
    more = ", …" if len(broken) > 5 else ""
    told = counted(len(broken), "{} line is no JSON and was", "{} lines are no JSON and were")
    return f"{told} kept as plain text: line {first}{more}."


def _blocks(value: Any, depth: int) -> Iterator[Block]:
    """An object's own fields first, then what it holds, each under its name."""
    if isinstance(value, list):
        yield from _list_blocks(value, depth)
        return
    if not isinstance(value, dict):
        yield from _paragraph({"": _shown(value)})
        return
    own = {key: item for key, item in value.items() if not _is_list_of_records(item)}
    yield from _paragraph(_flat(own))
    for key, item in value.items():
        if key not in own:
            yield Block("heading", str(key)[:200] or "-", level=min(depth + 1, 9))
            yield from _list_blocks(item, depth + 1)


def _is_list_of_records(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(item, dict | list) for item in value)


def _list_blocks(values: list[Any], depth: int) -> Iterator[Block]:
    """Neighbours that fit one table as a table, the others one by one."""
    if depth < MAX_DEPTH:
        for is_flat, group in groupby(values, key=_is_flat):
            if is_flat:
                yield from _flat_blocks([_flat(item) for item in group])
            else:
                for item in group:
                    yield from _blocks(item, depth + 1)
    else:
        yield from _paragraph(_flat({"": values}))


def _is_flat(value: Any) -> bool:
    """Whether a value is one record, with no records of its own inside."""
    if isinstance(value, list):
        return False
    return not isinstance(value, dict) or not any(map(_is_list_of_records, value.values()))


def _flat_blocks(records: list[Record]) -> Iterator[Block]:
    fields = list(dict.fromkeys(field for record in records for field in record))
    lengths = (sum(map(len, record.values())) + 20 * len(record) for record in records)
    is_table = len(records) > 1 and 1 < len(fields) <= WIDEST_TABLE
    if is_table and max(lengths) <= LONGEST_ROW:
        rows = [tuple(record.get(field, "") for field in fields) for record in records]
        yield table_block([tuple(fields), *rows])
        return
    for record in records:
        yield from _paragraph(record)


def _paragraph(record: Record) -> Iterator[Block]:
    lines = (f"{field}: {value}" if field else value for field, value in record.items() if value)
    if text := "\n".join(lines):
        yield Block("paragraph", text)


def _flat(value: Any) -> Record:
    """Nested fields under dotted names, in their order; the stack stands for recursion."""
    record: Record = {}
    waiting: list[tuple[str, Any]] = [("", value)]
    while waiting:
        name, item = waiting.pop()
        if isinstance(item, dict) and item:
            inner = [(f"{name}.{key}" if name else str(key), part) for key, part in item.items()]
            waiting += reversed(inner)
        elif isinstance(item, list) and any(isinstance(part, dict | list) for part in item):
            waiting += [(f"{name}.{n}", item[n - 1]) for n in range(len(item), 0, -1)]
        elif isinstance(item, list):
            record[name] = ", ".join(filter(None, map(_shown, item)))
        else:
            record[name] = _shown(item)
    return record


def _shown(value: Any) -> str:
    """A value as JSON writes it, without the quotes; nothing for null."""
    if value is None or value in ({}, []):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return " ".join(str(value).split()) if isinstance(value, str) else str(value)
