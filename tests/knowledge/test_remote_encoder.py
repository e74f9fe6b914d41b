"""Against a real server of `/v1/embeddings`, a process of its own that misbehaves when told to."""

import httpx
import numpy as np
import pytest

from knowledge import remote_encoder
from knowledge.embedding import EncoderSpec, open_encoder
from knowledge.encoders import PACKAGED, load_encoder
from knowledge.errors import EncoderRefused, EncoderUnavailable

TEXTS = ["The pump leaks.", "Water drips out.", "Invoice of May"]


@pytest.fixture
def opened(embedding_server, settings, monkeypatch):
    """Opens a model of the server."""
    monkeypatch.setattr(remote_encoder, "RETRY_AFTER", 0.001)

    def opened(model, *, key="", **options):
        settings.KNOWLEDGE_ENCODER_SERVERS = [f"{embedding_server} {key}".strip()]
        return remote_encoder.load_remote_encoder(
            EncoderSpec(f"{embedding_server}#{model}", **options)
        )

    return opened


def test_vectors_come_in_the_order_of_the_texts_and_with_unit_length(opened):
    encoder = opened("hash-16")
    vectors = encoder.encode_passages(TEXTS)
    assert vectors.shape == (3, 16) and encoder.dimensions == 16
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    for text, one in zip(TEXTS, vectors, strict=True):
        assert np.allclose(encoder.encode_query(text), one)


@pytest.mark.story
def test_a_served_model_encodes_like_the_same_model_here(opened):
    served, here = opened("minilm"), load_encoder(PACKAGED)
    assert served.dimensions == 384
    alike = (served.encode_passages(TEXTS) * here.encode_passages(TEXTS)).sum(axis=1)
    assert alike.min() > 0.999


def test_many_texts_travel_in_small_requests(opened, embedding_server):
    encoder = opened("hash-16")
    before = httpx.get(embedding_server).json()["requests"]
    assert encoder.encode_passages(["pump"] * 130).shape == (130, 16)
    assert encoder.encode_passages(["long " * 15_000] * 2).shape == (2, 16)
    assert encoder.encode_passages([]).shape == (0, 16)
    assert httpx.get(embedding_server).json()["requests"] == before + 3 + 2


def test_a_busy_server_is_asked_again(opened):
    assert opened("busy-16", max_tokens=100).encode_passages(TEXTS).shape == (3, 16)


@pytest.mark.parametrize("model", ["broken-16", "nan-16"])
def test_what_may_pass_is_unavailable(opened, model):
    with pytest.raises(EncoderUnavailable):
        opened(model)


@pytest.mark.parametrize("model", ["shrinking-16", "forgetful-16"])
def test_other_vectors_than_asked_for_are_no_answer(opened, model):
    encoder = opened(model)
    with pytest.raises(EncoderUnavailable):
        encoder.encode_passages(TEXTS)


@pytest.mark.parametrize(
    ("model", "what"), [("unknown-16", "does not know"), ("secret-16", "key"), ("", "model")]
)
def test_what_will_not_pass_is_refused(opened, model, what):
    with pytest.raises(EncoderRefused, match=what):
        opened(model)


def test_the_key_goes_to_its_server_and_to_no_other(opened, embedding_server):
    assert opened("secret-16", key="open-sesame").dimensions == 16
    with pytest.raises(EncoderRefused, match="KNOWLEDGE_ENCODER_SERVERS"):
        open_encoder(EncoderSpec("http://127.0.0.1:9/v1#hash-16"))


def test_a_server_that_is_away_is_said(settings, monkeypatch):
    monkeypatch.setattr(remote_encoder, "RETRY_AFTER", 0.001)
    settings.KNOWLEDGE_ENCODER_SERVERS = ["http://127.0.0.1:9/v1"]
    with pytest.raises(EncoderUnavailable, match="reachable"):
        open_encoder(EncoderSpec("http://127.0.0.1:9/v1#hash-16"))


def test_prompts_and_fewer_dimensions_reach_the_server_and_change_the_revision(opened):
    plain = opened("hash-16")
    asking = opened("hash-16", query_prompt="question pump ", document_prompt="passage ")
    short = opened("hash-16", dimensions=8)
    assert short.encode_query("pump").shape == (8,)
    assert len({plain.revision, asking.revision, short.revision}) == 3
    assert np.allclose(asking.encode_query("leaks"), plain.encode_query("question pump leaks"))
    assert np.allclose(asking.encode_passages(["x"])[0], plain.encode_query("passage x"))
    assert asking.max_tokens < plain.max_tokens


def test_vectors_stay_as_they_are_where_the_registration_says_so(opened):
    raw = opened("hash-16", is_normalised=False).encode_passages(["pump pump pump"])
    assert np.linalg.norm(raw) == pytest.approx(3.001, abs=0.01)
