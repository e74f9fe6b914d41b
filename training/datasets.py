"""A file becomes checked examples: every line is an example, a named duplicate or a named error.

Starts nothing and trains nothing; what the examples are good for is said in the report.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from statistics import mean, quantiles
from typing import IO, Any

from django.db import IntegrityError, transaction
from django.db.models import Max

from phi3site.audit.recording import record
from training.bases import find_base
from training.columns import Columns
from training.errors import DatasetRefused, RecipeRefused
from training.findings import AT_ONCE, look_through
from training.masking import mask_example
from training.models import Dataset, Example
from training.reading import LineError, Row, read_file
from training.splits import choose_eval
from training.tokens import Codec, folder_codec

# How many errors and duplicates the report names; all are counted.
NAMED = 1000


@dataclass
class Collected:
    """What the lines of a file came to."""

    rows: list[Row] = field(default_factory=list)
    hashes: list[str] = field(default_factory=list)
    errors: list[LineError] = field(default_factory=list)
    # Line of the duplicate and line of the first.
    duplicates: list[tuple[int, int]] = field(default_factory=list)


def import_dataset(
    name: str,
    file: IO[bytes],
    *,
    actor: Any,
    filename: str = "",
    columns: Columns | None = None,
) -> Dataset:
    """Examples and report of an uploaded file; the same bytes give the dataset they gave before.

    `columns` says what the columns of a table mean. Raises DatasetRefused when nothing in the file
    can be learned from.
    """
    filename = PurePath(filename or getattr(file, "name", "")).name[-255:]
    sha256, meaning = hash_upload(file), columns.as_dict() if columns else {}
    if known := _known(sha256, meaning):
        return known
    reading = read_file(filename, file, columns)
    collected = collect(reading.rows)
    _refuse_useless(collected, reading.unit)
    codec = _codec()
    tokens = count_tokens(codec, collected.rows) if codec else [None] * len(collected.rows)
    held_back = choose_eval(collected.hashes, [row.source for row in collected.rows])
    examples = _examples(collected, tokens, held_back)
    report = _report(collected, examples)
    report |= {"unit": reading.unit, "warnings": list(reading.warnings)}
    new = Dataset(
        name=name.strip(),
        filename=filename,
        sha256=sha256,
        columns=meaning,
        report=report,
        created_by=actor,
    )
    try:
        dataset = store(new, examples, actor)
    except IntegrityError:  # the same upload, a moment earlier
        if known := _known(sha256, meaning):
            return known
        raise
    if len(examples) <= AT_ONCE:
        look_through(dataset)
    return dataset


def _known(sha256: str, columns: dict[str, str]) -> Dataset | None:
    """The dataset that these bytes gave before, marked as such."""
    known = Dataset.objects.filter(sha256=sha256, columns=columns).first()
    if known:
        known.is_known = True
    return known


def hash_upload(file: IO[bytes]) -> str:
    """SHA-256 of the whole file, which is at its beginning again afterwards."""
    file.seek(0)
    digest = hashlib.sha256()
    while block := file.read(1 << 20):
        digest.update(block)
    file.seek(0)
    return digest.hexdigest()


def collect(lines: Iterable[Row | LineError]) -> Collected:
    """Sorts lines into examples, errors and exact duplicates."""
    collected, first = Collected(), dict[str, int]()
    for line in lines:
        if isinstance(line, LineError):
            collected.errors.append(line)
            continue
        digest = hash_turns(line.turns)
        if digest in first:
            collected.duplicates.append((line.line, first[digest]))
            continue
        first[digest] = line.line
        collected.rows.append(line)
        collected.hashes.append(digest)
    return collected


def hash_turns(turns: Sequence[Any]) -> str:
    """One hash for a conversation, whatever its spelling as JSON."""
    text = json.dumps(turns, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def count_tokens(codec: Codec, rows: Sequence[Row]) -> list[int | None]:
    """Tokens of each conversation as it will be learned."""
    return [len(mask_example(codec, row.turns)) for row in rows]


def _codec() -> Codec | None:
    try:
        return folder_codec(find_base())
    except RecipeRefused:  # no base model here yet: the report says that nothing was counted
        return None


def _refuse_useless(collected: Collected, unit: str) -> None:
    if collected.rows:
        return
    if not collected.errors:
        raise DatasetRefused(f"The file is empty: it needs one conversation per {unit}.")
    first, count = collected.errors[0], len(collected.errors)
    them = f"the only {unit}" if count == 1 else f"any of the {count:,} {unit}s"
    raise DatasetRefused(
        f"Nothing can be learned from {them}. {unit.capitalize()} {first.line}: "
        f"{first.message}. Correct the file and upload it again."
    )


def _examples(
    collected: Collected, tokens: Sequence[int | None], held_back: set[int]
) -> list[Example]:
    splits = Example.Split
    return [
        Example(
            line=row.line,
            messages=row.turns,
            source=row.source,
            sha256=digest,
            tokens=count,
            split=splits.EVAL if position in held_back else splits.TRAIN,
        )
        for position, (row, digest, count) in enumerate(
            zip(collected.rows, collected.hashes, tokens, strict=True)
        )
    ]


def _report(collected: Collected, examples: Sequence[Example]) -> dict[str, Any]:
    splits = Counter(example.split for example in examples)
    counts = [example.tokens for example in examples if example.tokens is not None]
    unused = Counter(key for row in collected.rows for key in row.unused)
    return {
        "lines": len(collected.rows) + len(collected.errors) + len(collected.duplicates),
        "examples": len(examples),
        "train": splits[Example.Split.TRAIN],
        "eval": splits[Example.Split.EVAL],
        "sources": len({row.source for row in collected.rows} - {""}),
        "error_count": len(collected.errors),
        "errors": [{"line": e.line, "message": e.message} for e in collected.errors[:NAMED]],
        "duplicate_count": len(collected.duplicates),
        "duplicates": [{"line": n, "of": first} for n, first in collected.duplicates[:NAMED]],
        "unused_keys": dict(unused.most_common(20)),
        "tokens": describe_tokens(counts),
    }


def describe_tokens(counts: Sequence[int]) -> dict[str, float]:
    """Total, middle and extremes for the report; empty where nothing was counted."""
    if not counts:
        return {}
    cuts = quantiles(counts, n=20) if len(counts) > 1 else [counts[0]] * 19
    return {
        "total": sum(counts),
        "mean": round(mean(counts), 1),
        "median": round(cuts[9]),
        "p95": round(cuts[18]),
        "longest": max(counts),
    }


@transaction.atomic
def store(
    dataset: Dataset,
    examples: Sequence[Example],
    actor: Any,
    *,
    action: str = "dataset.imported",
    details: dict[str, Any] | None = None,
) -> Dataset:
    """The dataset with its examples as the next version of its name, and the event."""
    known = Dataset.objects.filter(name=dataset.name)
    dataset.version = (known.aggregate(newest=Max("version"))["newest"] or 0) + 1
    dataset.save(force_insert=True)
    for example in examples:
        example.dataset = dataset
    Example.objects.bulk_create(examples, batch_size=1000)
    told = {
        "name": dataset.name,
        "version": dataset.version,
        "sha256": dataset.sha256,
        "examples": len(examples),
    }
    record(action, target=dataset, actor=actor, details=told | (details or {}))
    return dataset
