"""Folders that retrieval is measured on, in three forms, read liberally and refused clearly.

(a) `corpus.jsonl` + `questions.jsonl` + `qrels/test.tsv`, (b) `passages.jsonl` +
`questions.jsonl` that name passages or documents, (c) `docs/` + `questions.jsonl` that name files,
and pages or evidence where they can. Knows no database and no model.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.retrieval_fields import (
    DOCUMENT,
    EVIDENCE,
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
    meant,
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
    return _known(Folder(folder.name, "corpus", ("passage",), asked, texts=texts))


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
            folder.name,
            "passages",
            ("passage" if by_passage else "document",),
            questions,
            texts=texts,
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
    read = _known(Folder(folder.name, "docs", (), questions, files=files))
    exact = [u for u in ("page", "evidence") if any(q.names(u) for q in read.questions)]
    read.units = (*exact, "document")
    return read


def _known(folder: Folder) -> Folder:
    """The folder with gold by the names that exist; what names nothing is told and left out."""
    lookup = _ways(folder)
    asked, lost, partly = [], [], 0
    for question in folder.questions:
        known = [
            replace(one, name=name) for one in question.gold if (name := meant(one.name, lookup))
        ]
        if question.text and known:
            partly += len(known) < len(question.gold)
            asked.append(replace(question, gold=tuple(_each_once(known))))
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


def _each_once(gold: list[Gold]) -> Iterator[Gold]:
    """A document that is named with a place, too, counts by its places."""
    placed = {one.name for one in gold if one.pages or one.words}
    bare: set[str] = set()
    for one in gold:
        if one.pages or one.words or one.name not in placed | bare:
            bare.add(one.name)
            yield one


def _ways(folder: Folder) -> dict[str, str]:
    """How the folder's files or passages may be called -> their names."""
    if folder.files:
        return lookup_of(list(folder.files))
    names = [text.id for text in folder.texts]
    if folder.units != ("document",):
        return lookup_of(names)
    names += [text.parent for text in folder.texts if text.parent]
    titles = {plain(text.title): text.parent or text.id for text in folder.texts if text.title}
    return titles | lookup_of(names)


def _places(row: Json) -> tuple[Gold, ...]:
    """The documents of a question, each with the pages and words that it names there."""
    names = names_in(first(row, DOCUMENT))
    listed = many(first(row, EVIDENCE))
    found = [
        _evidence(one, _own_name(one, place, names, len(listed)))
        for place, one in enumerate(listed)
    ]
    gold = [one for one in found if one.name and (one.pages or one.words)]
    pages = many(first(row, PAGE))
    if pages and names:
        gold = _on_pages(gold, names, pages)
    return (*gold, *map(Gold, names))


def _own_name(evidence: Any, place: int, names: list[str], count: int) -> str:
    """The document of an evidence: the one that it names, or the only one, or one each in turn."""
    own = names_in(first(evidence, DOCUMENT)) if isinstance(evidence, dict) else []
    if own or len(names) == 1:
        return (own or names)[0]
    return names[place] if len(names) == count else ""


def _evidence(evidence: Any, name: str) -> Gold:
    if not isinstance(evidence, dict):
        return Gold(name, words=str(evidence).strip())
    words = " ".join(map(str, many(first(evidence, EVIDENCE_TEXT)))).strip()
    return Gold(name, 1.0, tuple(numbers_in(first(evidence, PAGE))), words)


def _on_pages(gold: list[Gold], names: list[str], pages: list[Any]) -> list[Gold]:
    """Gold by the pages that stand beside the question: one each, or all in every document."""
    each: Sequence[Any] = pages if len(names) == len(pages) else [pages] * len(names)
    numbers = {name: tuple(numbers_in(one)) for name, one in zip(names, each, strict=True)}
    worded = [replace(one, pages=one.pages or numbers.get(one.name, ())) for one in gold]
    left = set(names) - {one.name for one in worded}
    return [*worded, *(Gold(name, 1.0, numbers[name]) for name in names if name in left)]


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
