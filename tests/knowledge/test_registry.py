"""Which encoder is searched with, and that its model is the very one."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
from django.db import IntegrityError, transaction

from knowledge import embedding, registry
from knowledge.embedding import EncoderSpec
from knowledge.encoders import PACKAGED, _packaged, load_encoder
from knowledge.errors import EncoderRefused, EncoderSwitched, EncoderUnavailable, KnowledgeError
from knowledge.models import Encoder
from knowledge.registry import described, hold_active, open_active, open_row, row_of
from tests.fakes import HashEncoder

pytestmark = pytest.mark.django_db


@pytest.fixture
def served(embedding_server, settings):
    """The address of a model of the test's server."""
    settings.KNOWLEDGE_ENCODER_SERVERS = [embedding_server]
    return lambda model: f"{embedding_server}#{model}"


def test_the_first_encoder_becomes_the_active_one():
    encoder = HashEncoder()
    first = row_of(encoder)
    assert (first.state, first.dimensions) == ("active", 384)
    assert row_of(encoder) == first
    assert Encoder.objects.count() == 1


def test_an_encoder_that_nobody_switched_to_is_refused(encoder):
    row_of(encoder)
    encoder.revision = "2"
    with pytest.raises(KnowledgeError) as refused:
        row_of(encoder)
    assert refused.value.code == "encoder_changed"


def test_a_retired_encoder_ends_the_questions_that_it_began(encoder):
    row = row_of(encoder)
    Encoder.objects.update(state="retired")
    assert row_of(encoder) == row


def test_nothing_is_searched_with_an_encoder_whose_vectors_are_still_being_made(encoder):
    row_of(encoder)
    Encoder.objects.update(state="building")
    Encoder.objects.create(name="other", revision="1", dimensions=8, state="active")
    with pytest.raises(KnowledgeError):
        row_of(encoder)


def test_there_is_one_active_encoder():
    row_of(HashEncoder())
    with pytest.raises(IntegrityError), transaction.atomic():
        Encoder.objects.create(name="other", revision="1", dimensions=8, state="active")


class TestDimensions:
    @pytest.mark.parametrize("dimensions", [1, 2_000, 2_001, 4_000])
    def test_what_an_index_holds_is_taken(self, served, dimensions):
        assert registry.open_new(EncoderSpec(served(f"hash-{dimensions}"))).dimensions == dimensions

    def test_more_is_refused_when_it_is_chosen(self, served):
        with pytest.raises(EncoderRefused, match="4,001"):
            registry.open_new(EncoderSpec(served("hash-4001")))
        with pytest.raises(IntegrityError), transaction.atomic():
            Encoder.objects.create(name="huge", revision="1", dimensions=4_001)

    def test_more_may_be_shortened(self, served):
        spec = EncoderSpec(served("hash-8000"), dimensions=256)
        assert registry.open_new(spec).dimensions == 256


class TestOpening:
    def test_before_the_first_document_the_configured_one_is_open(self, served, settings):
        settings.KNOWLEDGE_ENCODER = served("hash-24")
        encoder = embedding.get_encoder()
        assert encoder.dimensions == 24
        row = row_of(encoder)
        assert (row.source, row.state, len(row.probe)) == (settings.KNOWLEDGE_ENCODER, "active", 24)
        assert np.allclose(open_active().encode_query("pump"), encoder.encode_query("pump"))

    def test_once_there_is_an_active_one_the_setting_decides_nothing(self, served, settings):
        settings.KNOWLEDGE_ENCODER = served("hash-24")
        row_of(open_active())
        settings.KNOWLEDGE_ENCODER = served("hash-32")
        assert open_active().dimensions == 24

    def test_another_model_under_the_same_name_is_found_out(self, served, settings):
        settings.KNOWLEDGE_ENCODER = served("hash-24")
        row = row_of(open_active())
        row.probe = [*row.probe[1:], row.probe[0]]
        with pytest.raises(KnowledgeError) as changed:
            open_row(row)
        assert changed.value.code == "encoder_changed"
        row.probe = row.probe[:8]
        with pytest.raises(KnowledgeError):
            open_row(row)

    def test_a_folder_that_is_not_there_is_said(self):
        for source in ("/nowhere/model", "models/x/y", "~/model"):
            with pytest.raises(EncoderUnavailable, match="on this machine"):
                embedding.open_encoder(EncoderSpec(source))


def test_only_the_active_encoder_can_be_held():
    row = row_of(HashEncoder())
    with transaction.atomic():
        hold_active(row)
    Encoder.objects.update(state="retired")
    with pytest.raises(EncoderSwitched), transaction.atomic():
        hold_active(row)


@pytest.mark.story
class TestFolders:
    @pytest.fixture
    def folder(self, tmp_path):
        """A model with prompts of its own."""
        folder = tmp_path / "asking"
        shutil.copytree(_packaged(), folder)
        prompts = {"prompts": {"query": "query: ", "passage": "passage: "}}
        (folder / "config_sentence_transformers.json").write_text(json.dumps(prompts))
        return folder

    def test_a_models_own_prompts_are_used_and_kept(self, folder):
        asking, plain = load_encoder(EncoderSpec(str(folder))), load_encoder(PACKAGED)
        assert np.allclose(
            asking.encode_query("pump"), plain.encode_query("query: pump"), atol=1e-5
        )
        assert np.allclose(
            asking.encode_passages(["pump"]), plain.encode_passages(["passage: pump"]), atol=1e-5
        )
        row = Encoder(**described(asking), source=str(folder))
        assert (row.query_prompt, row.document_prompt) == ("query: ", "passage: ")
        assert asking.max_tokens == 256 - 2
        assert load_encoder(registry.spec_of(row)).revision == asking.revision

    def test_each_option_that_changes_vectors_changes_the_revision(self, folder):
        spec = EncoderSpec(str(folder))
        options = ({}, {"query_prompt": ""}, {"dimensions": 64}, {"is_normalised": False})
        variants = [load_encoder(dataclasses.replace(spec, **one)) for one in options]
        assert len({variant.revision for variant in variants}) == 4
        short = variants[2].encode_passages(["pump", "invoice"])
        assert short.shape == (2, 64)
        assert np.allclose(np.linalg.norm(short, axis=1), 1, atol=1e-4)

    def test_a_pickle_beside_the_weights_of_a_part_is_refused(self, folder):
        part = folder / "2_Dense"
        part.mkdir()
        (part / "pytorch_model.bin").write_bytes(b"pickle")
        listed = json.loads((folder / "modules.json").read_text())
        listed[2]["path"] = "2_Dense"
        (folder / "modules.json").write_text(json.dumps(listed))
        with pytest.raises(EncoderUnavailable, match="safetensors"):
            embedding.open_encoder(EncoderSpec(str(folder)))

    def test_a_hub_model_is_loaded_from_what_was_fetched(self, tmp_path, monkeypatch):
        from huggingface_hub import constants

        repository = tmp_path / "models--acme--encoder"
        shutil.copytree(_packaged(), repository / "snapshots" / ("a" * 40))
        (repository / "refs").mkdir()
        (repository / "refs" / "main").write_text("a" * 40)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
        encoder = load_encoder(EncoderSpec("acme/encoder"))
        assert (encoder.name, encoder.dimensions) == ("acme/encoder", 384)
        assert encoder.revision == load_encoder(PACKAGED).revision
