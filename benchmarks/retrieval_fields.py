"""Fields of JSON lines under the names that people give them.

Knows no folder; an empty field counts as none.
"""

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

Json = dict[str, Any]

QUESTION = ("question", "query", "claim", "text", "user_input", "input", "prompt")
IDS = (
    *("id", "_id", "qid", "query_id", "question_id", "passage_id", "pid", "doc_id", "docid"),
    "financebench_id",
)
PASSAGE = ("passage", "passages", "passage_id", "passage_ids", "positive", "positives", "relevant")
DOCUMENT = (
    *("doc", "docs", "document", "documents", "doc_id", "doc_ids", "doc_name", "document_id"),
    *("file", "files", "filename", "filenames", "file_name", "source", "sources", "url", "urls"),
    *("doc_names", "document_name", "document_names", "contract", "page_title"),
)
EVIDENCE = (
    *("evidence", "evidences", "evidence_text", "evidence_texts", "quote", "quotes"),
    *("snippet", "snippets", "spans", "supporting_text"),
)
PAGE = (
    "page",
    "pages",
    "page_number",
    "page_numbers",
    "page_num",
    "evidence_page_num",
    "evidence_pages",
)
EVIDENCE_TEXT = ("text", "quote", "evidence_text", "snippet", "content", "passage")
TEXT = ("text", "contents", "content", "passage", "body", "abstract")
PARENT = ("doc", "document", "doc_name", "document_id", "url", "file", "source")
HEADINGS = ("headers", "headings", "section", "sections", "heading")
HISTORY = ("history", "conversation", "turns", "context_turns")


class FolderRefused(Exception):
    """The folder can't be measured on; the text says what is missing."""


def rows_of(path: Path) -> Iterator[Json]:
    if not path.is_file():
        raise FolderRefused(f"{path} is missing.")
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                raise FolderRefused(f"{path}, line {number}: not JSON ({error}).") from error
            if not isinstance(row, dict):
                raise FolderRefused(f"{path}, line {number}: an object was expected.")
            yield row


def first(row: Json, names: Sequence[str], default: Any = None) -> Any:
    """The first of these fields that is there and not empty."""
    for name in names:
        if row.get(name) not in (None, "", [], {}):
            return row[name]
    return default


def many(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, list | tuple) else [value]


def names_in(value: Any) -> list[str]:
    """Names from one or several, plain or in objects, each once."""
    plain = [
        first(one, (*DOCUMENT, *IDS, "name", "title")) if isinstance(one, dict) else one
        for one in many(value)
    ]
    return list(dict.fromkeys(str(one) for one in plain if one not in (None, "")))


def numbers_in(value: Any) -> Iterator[int]:
    for one in many(value):
        yield from (int(number) for number in re.findall(r"\d+", str(one)))


def plain(name: str) -> str:
    """A name as names are compared: letters and figures in one case, without accents."""
    letters = unicodedata.normalize("NFKD", name.casefold())
    return "".join(char for char in letters if char.isalnum())


def meant(name: str, lookup: dict[str, str]) -> str:
    """The known name that is meant: as it is, or behind an address or a path; else empty."""
    last = unquote(re.split(r"[?#]", name)[0]).replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    ways = map(plain, (name, last, _stem(last)))
    return next((lookup[way] for way in ways if way and way in lookup), "")


def _stem(name: str) -> str:
    return re.sub(r"\.\w{1,5}$", "", name)


def lookup_of(names: Sequence[str]) -> dict[str, str]:
    """Ways to write a name -> the name: with and without folder, ending, case, blanks."""
    ways: dict[str, str] = {}
    for name in names:
        last = name.rsplit("/", 1)[-1]
        for way in (name, last):
            ways.setdefault(plain(_stem(way)), name)
        ways.setdefault(plain(last), name)
    return ways | {plain(name): name for name in names}
