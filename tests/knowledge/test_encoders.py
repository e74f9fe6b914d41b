"""The real encoder: the packaged MiniLM."""

import numpy as np
import pytest

from knowledge import embedding
from knowledge.encoders import PACKAGED, load_encoder, load_reranker
from knowledge.ingestion import ingest
from knowledge.retrieval import retrieve
from tests.knowledge.conftest import MANUAL

pytestmark = pytest.mark.story


@pytest.fixture(scope="module")
def minilm():
    return load_encoder(PACKAGED)


def test_vectors_have_unit_length_and_know_what_is_alike(minilm):
    vectors = minilm.encode_passages(["The pump leaks.", "Water drips out.", "Invoice of May"])
    assert vectors.shape == (3, minilm.dimensions) == (3, 384)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)
    query = minilm.encode_query("a leaking pump")
    assert int(np.argmax(vectors @ query)) == 0
    assert vectors.dtype == query.dtype == np.float32


def test_tokens_are_the_encoders_own(minilm):
    assert minilm.count_tokens(["pump", "unaffable", ""]) == [1, 3, 0]
    assert minilm.encode_passages([]).shape == (0, 384)
    assert minilm.max_tokens == 256


def test_texts_of_like_length_share_a_batch_and_keep_their_places(minilm, monkeypatch):
    words = [" ".join(["12.5" if n % 2 else "pump"] * (n % 9 + 1) * 5) for n in range(30)]
    alone = np.stack([minilm.encode_query(text) for text in words])
    batches, real = [], minilm._model.encode
    monkeypatch.setattr(
        minilm._model, "encode", lambda texts, **o: batches.append(texts) or real(texts, **o)
    )
    assert np.abs(minilm.encode_passages(words) - alone).max() < 1e-5
    lengths = minilm.count_tokens([text for batch in batches for text in batch])
    assert lengths == sorted(lengths, reverse=True) and len(lengths) == len(words)


@pytest.mark.django_db
def test_a_question_in_other_words_finds_its_passage(upload, bob, minilm, monkeypatch):
    monkeypatch.setattr(embedding, "get_encoder", lambda: minilm)
    ingest(str(upload(MANUAL).pk))
    best = retrieve("How often is the lubricant renewed?", user=bob, collections=None).passages[0]
    assert "every 500 hours" in best.text
    unrelated = retrieve("Who won the world cup?", user=bob, collections=None).passages[0]
    assert best.cosine > unrelated.cosine + 0.1


@pytest.mark.parametrize("load", [load_encoder, load_reranker])
def test_a_folder_without_safetensors_is_refused(load, tmp_path):
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(FileNotFoundError, match="safetensors"):
        load(str(tmp_path))
