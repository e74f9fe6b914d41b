"""The synthetic company of the benchmark, asked through the product's own search."""

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.db import connection

from benchmarks.retrieval_scale import TOP, Asked, ask, build_indexes, recall
from benchmarks.scale_data import (
    CHUNKS_A_DOCUMENT,
    DIMENSIONS,
    VISIBLE,
    Synthetic,
    load,
    make_people,
    visible_to,
)
from knowledge.models import Chunk, Encoder

DATA = Synthetic(1000)


def test_the_same_seed_draws_the_same_company():
    vectors = DATA.vectors(5, 3)
    assert (vectors == Synthetic(1000).vectors(5, 3)).all()
    assert not (vectors == DATA.vectors(5, 4)).all()
    assert np.linalg.norm(vectors.astype(float), axis=1) == pytest.approx(1, abs=1e-2)
    assert DATA.texts(5, 3) == Synthetic(1000).texts(5, 3)


@pytest.mark.parametrize("share", VISIBLE)
def test_a_share_is_whole_documents(share):
    visible = visible_to(share, DATA)
    assert visible % CHUNKS_A_DOCUMENT == 0
    assert share * DATA.chunks <= visible < share * DATA.chunks + CHUNKS_A_DOCUMENT


def nearest(visible, vectors):
    """The exact answer, by a way of its own."""
    chunks = DATA.vectors(DATA.chunks, 0)[:visible].astype(float)
    chunks /= np.linalg.norm(chunks, axis=1, keepdims=True)
    order = np.argsort(-(vectors.astype(float) @ chunks.T), axis=1)
    return order[:, :TOP].tolist()


def test_recall_counts_what_an_exact_scan_finds():
    vectors = DATA.vectors(4, 99)
    best = nearest(500, vectors)
    assert recall(DATA, Asked(found=best), 500, vectors) == 1
    half = [found[: TOP // 2] for found in best]
    assert recall(DATA, Asked(found=half), 500, vectors) == 0.5


@pytest.mark.django_db
def test_everybody_finds_what_they_read_and_nothing_else(capsys):
    encoder = Encoder.objects.create(
        name="synthetic", revision="1", dimensions=DIMENSIONS, state="active"
    )
    people = make_people(DATA)
    load(DATA, people, encoder)
    # No index is built over rows whose keys are still to be checked.
    connection.check_constraints()
    build_indexes(encoder)
    assert "chunk_bm25" in capsys.readouterr().out
    assert Chunk.objects.count() == DATA.chunks and User.objects.count() == len(VISIBLE)
    vectors, texts = DATA.vectors(3, 99), DATA.texts(3, 99, words=6)
    for _share, visible, person in people:
        asked = ask(person, encoder, texts, vectors)
        assert asked.searched == visible and len(asked.wall) == len(asked.cpu) == 3
        assert recall(DATA, asked, visible, vectors) == 1
