"""Typed rows and row chunks on their whole way, from a file to the database."""

import pytest

from knowledge.models import Chunk, ChunkEmbedding
from knowledge.serving import lacks_embeddings
from knowledge.storing import READ_WHOLE

pytestmark = pytest.mark.django_db


def pumps(size):
    return "Pump,Weight (kg)\n" + "".join(f"A-{n},{n / 4:.2f}\n" for n in range(1, size + 1))


def test_texts_values_and_marks_are_kept(ingested):
    version = ingested("Part,Price (€)\nA,1.50\nB,\nC,2\nTotal,3.50\n", "prices.csv")
    table = version.tables.get()
    price = table.columns[1]
    assert (price["type"], price["unit"]) == ("decimal", "€")
    assert (price["statistics"]["count"], price["statistics"]["empty"]) == (3, 1)
    assert list(table.rows.values_list("number", "texts", "cells", "is_total")) == [
        (1, ["A", "1.50"], [None, 1.5], False),
        (2, ["B", ""], [None, None], False),
        (3, ["C", "2"], [None, 2], False),
        (4, ["Total", "3.50"], [None, 3.5], True),
    ]


def test_only_rows_of_long_tables_have_keys(ingested):
    short, long = ingested(pumps(3), "short.csv"), ingested(pumps(READ_WHOLE + 1), "long.csv")
    assert short.tables.get().rows.exclude(keys=[]).count() == 0
    row = long.tables.get().rows.get(keys__contains=["a 417"])
    assert (row.number, row.keys, row.texts) == (417, ["a 417"], ["A-417", "104.25"])


def test_rows_of_a_very_long_table_are_searched_by_words_and_never_embedded(ingested):
    version = ingested(pumps(5_001), "long.csv")
    assert version.status == "ready"
    rows = Chunk.objects.filter(version=version, kind="rows", is_live=True)
    assert sum(chunk.row_to - chunk.row_from + 1 for chunk in rows) == 5_001
    assert not ChunkEmbedding.objects.filter(chunk__in=rows).exists()
    assert ChunkEmbedding.objects.filter(chunk__version=version).count() == 1
    assert not lacks_embeddings(version)
