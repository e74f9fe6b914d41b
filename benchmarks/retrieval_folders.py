"""Folders that retrieval is measured on, in three forms, read liberally and refused clearly.

(a) `corpus.jsonl` + `questions.jsonl` + `qrels/test.tsv`, (b) `passages.jsonl` +
`questions.jsonl` that name passages or documents, (c) `docs/` + `questions.jsonl` that name files,
and pages or evidence where they can. Knows no database and no model.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.retrieval_fields import (
    DOCUMENT,
    EVIDENCE_TEXT,
    HEADINGS,
    HISTORY,
    IDS,
    PAGE,
    PARENT,
    PASSAGE,
    QUESTION,
    TEXT,
    FolderRefused,
    Json,
    first,
    lookup_of,
    many,
    names_in,
    numbers_in,
    plain,
    rows_of,
)
from benchmarks.retrieval_forms import Folder, Gold, Question, Text


def read_folder(folder: Path) -> Folder:
    """The folder in whichever form it is. Raises FolderRefused."""
    if not folder.is_dir():
        raise FolderRefused(f"{folder} is not a folder.")
    if (folder / "corpus.jsonl").is_file():
        return _corpus(folder)
    if (folder / "passages.jsonl").is_file():
        return _passages(folder)
    if (folder / "docs").is_dir():
        return _documents(folder)
    raise FolderRefused(
        f"{folder} holds none of corpus.jsonl (with qrels/test.tsv), passages.jsonl and docs/; "
        "one of them must be beside questions.jsonl."
    )


def _corpus(folder: Path) -> Folder:
    texts = [_text(row, number) for number, row in enumerate(rows_of(folder / "corpus.jsonl"), 1)]
    relevant = _qrels(folder / "qrels" / "test.tsv")
    path = folder / "questions.jsonl"
    rows = list(rows_of(path if path.is_file() else folder / "queries.jsonl"))
    questions = []
    for number, row in enumerate(rows, 1):
        key = str(first(row, IDS, number))
        gold = tuple(Gold(name, grade) for name, grade in relevant.get(key, {}).items())
        questions.append(_question(row, number, gold))
    asked = [question for question in questions if question.gold]
    if not asked:
        raise FolderRefused("No id of questions.jsonl stands in qrels/test.tsv.")
    return _known(Folder(folder.name, "corpus", "passage", asked, texts=texts))


def _passages(folder: Path) -> Folder:
    texts = [_text(row, number) for number, row in enumerate(rows_of(folder / "passages.jsonl"), 1)]
    rows = list(rows_of(folder / "questions.jsonl"))
    by_passage = any(first(row, PASSAGE) for row in rows)
    names = PASSAGE if by_passage else DOCUMENT
    questions = [
        _question(row, number, tuple(Gold(name) for name in names_in(first(row, names))))
        for number, row in enumerate(rows, 1)
    ]
    return _known(
        Folder(
            folder.name, "passages", "passage" if by_passage else "document", questions, texts=texts
        )
    )


def _documents(folder: Path) -> Folder:
    docs = folder / "docs"
    found = sorted(path for path in docs.rglob("*") if path.is_file() and path.name[0] != ".")
    files = {path.relative_to(docs).as_posix(): path for path in found}
    if not files:
        raise FolderRefused(f"{docs} is empty.")
    rows = list(rows_of(folder / "questions.jsonl"))
    questions = [_question(row, number, _places(row)) for number, row in enumerate(rows, 1)]
    gold = [one for question in questions for one in question.gold]
    unit = "page" if any(one.pages for one in gold) else "document"
    if unit == "document" and any(one.words for one in gold):
        unit = "evidence"
    read = _known(Folder(folder.name, "docs", unit, questions, files=files))
    if unit != "document":
        # A question that names no place can't be measured by place.
        has_place = [q for q in read.questions if all(one.pages or one.words for one in q.gold)]
        if len(has_place) < len(read.questions):
            left = len(read.questions) - len(has_place)
            read.warnings.append(f"{left} questions name no {unit}; left out.")
        read.questions = has_place
    return read


def _known(folder: Folder) -> Folder:
    """The folder with gold by the names that exist; what names nothing is told and left out."""
    lookup = _ways(folder)
    asked, lost, partly = [], [], 0
    for question in folder.questions:
        known = [
            replace(one, name=lookup[plain(one.name)])
            for one in question.gold
            if plain(one.name) in lookup
        ]
        if question.text and known:
            partly += len(known) < len(question.gold)
            asked.append(replace(question, gold=tuple(known)))
        else:
            lost.append(question.id)
    if not asked:
        raise FolderRefused(
            f"None of the {len(folder.questions)} questions has a text and names a known "
            f"{'file of docs/' if folder.files else 'passage'}; fields looked at: "
            f"{', '.join((*PASSAGE[:4], *DOCUMENT[:4], 'evidence'))}."
        )
    folder.questions = asked
    if lost:
        shown = ", ".join(lost[:5]) + (" …" if len(lost) > 5 else "")
        folder.warnings.append(
            f"{len(lost)} questions without text or known source left out: {shown}"
        )
    if partly:
        folder.warnings.append(f"{partly} questions name sources that are not here, too.")
    return folder


def _ways(folder: Folder) -> dict[str, str]:
    """How the folder's files or passages may be called -> their names."""
    if folder.files:
        return lookup_of(list(folder.files))
    names = [text.id for text in folder.texts]
    if folder.unit != "document":
        return lookup_of(names)
    names += [text.parent for text in folder.texts if text.parent]
    titles = {plain(text.title): text.parent or text.id for text in folder.texts if text.title}
    return titles | lookup_of(names)


def _places(row: Json) -> tuple[Gold, ...]:
    """The documents of a question, each with the pages or words that it names there."""
    names = names_in(first(row, DOCUMENT))
    evidence = [one for one in many(row.get("evidence")) if isinstance(one, dict)]
    found = []
    for one in evidence:
        name = next(iter(names_in(first(one, DOCUMENT))), names[0] if len(names) == 1 else "")
        pages = tuple(numbers_in(first(one, PAGE)))
        words = " ".join(map(str, many(first(one, EVIDENCE_TEXT))))
        if name and (pages or words.strip()):
            found.append(Gold(name, 1.0, pages, "" if pages else words))
    places = many(first(row, PAGE))
    if places and names:
        if len(names) == len(places):
            pairs: Iterable[tuple[str, Any]] = zip(names, places, strict=True)
        else:
            pairs = ((name, places) for name in names)
        return tuple(Gold(name, 1.0, tuple(numbers_in(place))) for name, place in pairs)
    return tuple(found) or tuple(Gold(name) for name in names)


def _question(row: Json, number: int, gold: tuple[Gold, ...]) -> Question:
    text = str(first(row, QUESTION, "")).strip()
    return Question(str(first(row, IDS, number)), text, gold, tuple(_earlier(row)))


def _earlier(row: Json) -> Iterator[str]:
    """The person's questions before this one; what was answered is not looked at."""
    turns = many(first(row, HISTORY))
    for place, turn in enumerate(turns):
        if isinstance(turn, dict):
            role = str(turn.get("role", turn.get("speaker", "user"))).lower()
            said = first(turn, (*QUESTION, "content", "utterance"))
            if said and role in ("user", "human", "person", "q", "question"):
                yield str(said)
        elif isinstance(turn, list | tuple) and turn:
            yield str(turn[0])
        elif isinstance(turn, str) and (len(turns) - place) % 2 == len(turns) % 2:
            # Plain texts are turn about: question, answer, question …
            yield turn


def _text(row: Json, number: int) -> Text:
    title = str(first(row, ("title", "name"), "")).strip()
    headings = tuple(str(part) for part in many(first(row, HEADINGS)) if str(part).strip())
    return Text(
        str(first(row, IDS, number)),
        title,
        str(first(row, TEXT, "")),
        headings,
        str(first(row, PARENT, "")),
    )


def _qrels(path: Path) -> dict[str, dict[str, float]]:
    """Question -> passage -> grade, from three columns with a header or TREC's four."""
    if not path.is_file():
        raise FolderRefused(f"{path} is missing: it says which passages answer a question.")
    relevant: dict[str, dict[str, float]] = {}
    for line in path.read_text().splitlines():
        parts = line.split("\t") if "\t" in line else line.split()
        if len(parts) < 2:
            continue
        grade = parts[-1] if len(parts) > 2 else "1"
        if not re.fullmatch(r"-?\d+(\.\d+)?", grade):
            continue  # the header
        if float(grade) > 0:
            relevant.setdefault(parts[0], {})[parts[-2] if len(parts) > 2 else parts[1]] = float(
                grade
            )
    return relevant
