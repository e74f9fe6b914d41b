import json
import shutil

import pytest
import torch

from chat.engine import EngineError
from chat.engine.weights import (
    choose_device_and_dtype,
    context_limit,
    load_base,
    load_tokenizer,
)
from chat.fingerprints import fingerprint_model
from tests.chat.engine.conftest import edit_json, make_base, make_model, make_tokenizer


@pytest.fixture
def copy(base, tmp_path):
    return shutil.copytree(base, tmp_path / "copy")


def refusal(folder):
    with pytest.raises(EngineError) as refused:
        load_base(folder, dtype=torch.float32)
    return refused.value


def test_a_folder_becomes_a_base(base):
    loaded = load_base(base, dtype=torch.float32, device="cpu")
    assert loaded.model.dtype == torch.float32
    assert loaded.fingerprint.base == fingerprint_model(base).base
    assert loaded.fingerprint.versions["dtype"] == "float32"
    assert loaded.tokenizer.padding_side == "left"
    assert loaded.stop_ids == {256, 257, 259}
    assert loaded.context_limit == 1024


def test_stop_tokens_do_not_hang_on_the_generation_config(copy):
    (copy / "generation_config.json").unlink()
    assert load_base(copy, dtype=torch.float32).stop_ids == {256, 257, 259}


def test_another_architecture_is_refused(copy):
    edit_json(copy / "config.json", architectures=["LlamaForCausalLM"], model_type="llama")
    error = refusal(copy)
    assert error.code == "base_refused"
    assert "LlamaForCausalLM" in str(error)


def test_code_in_a_model_folder_is_not_run(copy, tmp_path):
    marker = tmp_path / "ran"
    (copy / "modeling_evil.py").write_text(f"open({str(marker)!r}, 'w')\nclass Phi3: pass\n")
    edit_json(copy / "config.json", auto_map={"AutoModelForCausalLM": "modeling_evil.Phi3"})
    load_base(copy, dtype=torch.float32)
    assert not marker.exists()


def test_pickled_weights_are_refused(copy):
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    error = refusal(copy)
    assert (error.code, "safetensors" in str(error)) == ("base_refused", True)


@pytest.mark.parametrize("name", ["no-such-folder", "/no/such/folder", "../up", "a/b/c"])
def test_a_missing_folder_is_not_sought_elsewhere(name):
    assert refusal(name).code == "base_unavailable"


def test_an_unknown_quantisation_is_refused(base):
    with pytest.raises(EngineError):
        load_base(base, quantisation="int3")


def test_eight_bits_are_for_cpus(base):
    with pytest.raises(EngineError, match="on a GPU say nf4"):
        load_base(base, quantisation="int8", device="cuda")


def test_padding_never_ends_a_turn(copy):
    edit_json(copy / "tokenizer_config.json", pad_token="<|end|>")
    tokenizer = load_tokenizer(copy)
    assert tokenizer.pad_token == "<|endoftext|>"
    assert tokenizer.padding_side == "left"


def test_a_base_without_a_template_is_refused(tmp_path):
    tokenizer = make_tokenizer()
    tokenizer.chat_template = None
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(EngineError):
        load_tokenizer(tmp_path)


def test_long_context_models_stay_within_their_original_length():
    factors = [1.0] * 8
    rope = {
        "rope_type": "longrope",
        "rope_theta": 10000.0,
        "short_factor": factors,
        "long_factor": factors,
        "original_max_position_embeddings": 512,
        "partial_rotary_factor": 1.0,
    }
    long = make_model(
        max_position_embeddings=4096, original_max_position_embeddings=512, rope_parameters=rope
    )
    assert context_limit(long.config) == 512
    assert context_limit(make_model().config) == 1024


def test_the_dtype_follows_the_machine(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": False})
    assert choose_device_and_dtype(2**28) == ("cpu", torch.float32)
    assert choose_device_and_dtype(2**33) == ("cpu", torch.bfloat16)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True})
    assert choose_device_and_dtype(2**28) == ("cpu", torch.bfloat16)


def test_a_fingerprint_changes_with_each_of_its_three_parts(base, tmp_path):
    first = fingerprint_model(base)
    weights = fingerprint_model(make_base(tmp_path / "weights", seed=3))
    template = shutil.copytree(base, tmp_path / "template")
    (template / "chat_template.jinja").write_text("{{ messages }}")
    tokenizer = shutil.copytree(base, tmp_path / "tokenizer")
    edit_json(tokenizer / "tokenizer.json", truncation=None, padding={"strategy": "BatchLongest"})
    assert (weights.tokenizer, weights.template) == (first.tokenizer, first.template)
    assert weights.weights != first.weights
    changed = fingerprint_model(template)
    assert (changed.weights, changed.tokenizer) == (first.weights, first.tokenizer)
    assert changed.template != first.template
    assert fingerprint_model(tokenizer).tokenizer != first.tokenizer


def test_a_fingerprint_does_not_change_with_the_place_or_the_library(base, tmp_path):
    moved = shutil.copytree(base, tmp_path / "elsewhere")
    edit_json(moved / "config.json", transformers_version="9.9", _name_or_path="x")
    assert fingerprint_model(moved).base == fingerprint_model(base).base
    assert json.loads((moved / "config.json").read_text())["transformers_version"] == "9.9"
