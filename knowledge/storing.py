"""Typed rows of table files → rows of the database, beside their chunks. Knows no file."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Any

from psycopg.types.json import Jsonb

from knowledge.blocks import Column, Row, TableData
from knowledge.models import DocumentVersion, Table
from knowledge.rows import normalised

# A table of more rows is asked by its keys, a smaller one is read whole.
READ_WHOLE = 2_000
LONGEST_KEY = 80
CopyInto = Callable[[str, dict[str, str], Iterable[tuple[Any, ...]]], None]
_COLUMNS = {
    "table_id": "uuid",
    "number": "int4",
    "texts": "jsonb",
    "cells": "jsonb",
    "is_hidden": "bool",
    "is_total": "bool",
    "keys": "text[]",
}


def store_tables(
    version: DocumentVersion, tables: Sequence[TableData], *, copy_into: CopyInto
) -> None:
    """Every row of every table, in the transaction that makes the version ready."""
    for ordinal, table in enumerate(tables):
        row = Table.objects.create(
            version=version,
            name=table.name,
            ordinal=ordinal,
            columns=[asdict(column) for column in table.columns],
            row_count=len(table.rows),
            unread_rows=table.unread_rows,
            is_hidden=table.is_hidden,
        )
        copy_into("knowledge_tablerow", _COLUMNS, _rows(row, table))


def _rows(stored: Table, table: TableData) -> Iterable[tuple[Any, ...]]:
    has_keys = len(table.rows) > READ_WHOLE
    for number, row in enumerate(table.rows, start=1):
        keys = _keys(row, table.columns) if has_keys else []
        yield (
            stored.pk,
            number,
            Jsonb(row.texts),
            Jsonb(row.cells),
            row.is_hidden,
            row.is_total,
            keys,
        )


def _keys(row: Row, columns: Sequence[Column]) -> list[str]:
    """Short texts by which somebody may ask for the row; nobody asks by a decimal."""
    named = (
        normalised(text)
        for text, column in zip(row.texts, columns, strict=True)
        if text and column.type != "decimal" and len(text) <= LONGEST_KEY
    )
    return list(dict.fromkeys(key for key in named if key))
