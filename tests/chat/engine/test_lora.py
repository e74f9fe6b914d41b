import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from chat.engine import EngineError
from chat.engine.lora import TARGETS, LoraBank, find_projections, read_adapter
from chat.fingerprints import MANIFEST_NAME, fingerprint_model
from tests.chat.engine.conftest import edit_json, make_adapter, make_base, make_model


@pytest.fixture(scope="module")
def facts(base):
    """What the engine knows of its base when it reads an adapter."""
    projections = find_projections(make_model())
    shapes = {name: (m.in_features, m.out_features) for name, m in projections.items()}
    return {"base": fingerprint_model(base).base, "shapes": shapes, "max_rank": 8}


@pytest.fixture
def copy(fern, tmp_path):
    """An adapter that a test may spoil; its manifest is gone so that the spoilt part is met."""
    folder = shutil.copytree(fern, tmp_path / "copy")
    (folder / MANIFEST_NAME).unlink()
    return folder


def edit_weights(folder, change):
    path = folder / "adapter_model.safetensors"
    save_file(change(load_file(path)), path)


def refusal(folder, facts):
    with pytest.raises(EngineError) as refused:
        read_adapter(folder, **facts)
    assert refused.value.code == "adapter_refused"
    return str(refused.value)


def test_a_plain_adapter_is_read_for_every_projection(fern, facts):
    adapter = read_adapter(fern, **facts)
    assert adapter.rank == 4
    assert adapter.pairs.keys() == facts["shapes"].keys()
    assert len(adapter.pairs) == 2 * len(TARGETS)


def test_the_scale_is_alpha_over_rank(copy, facts):
    plain = read_adapter(copy, **facts)
    edit_json(copy / "adapter_config.json", lora_alpha=2)
    halved = read_adapter(copy, **facts)
    edit_json(copy / "adapter_config.json", use_rslora=True)
    stabilised = read_adapter(copy, **facts)
    name = next(iter(plain.pairs))
    scaled = [adapter.pairs[name][1] for adapter in (plain, halved, stabilised)]
    assert torch.allclose(scaled[0] / 2, scaled[1] * 2)  # alpha 8, then 2, over rank 4
    assert torch.allclose(scaled[2], scaled[1] * 2)  # 2 / sqrt(4) against 2 / 4


def test_an_adapter_of_another_base_is_refused_though_its_shapes_fit(facts, tmp_path):
    other = make_base(tmp_path / "other", seed=9)
    stranger = make_adapter(other, tmp_path / "stranger", seed=1)
    assert "another base model" in refusal(stranger, facts)


def test_a_changed_file_is_refused(fern, facts, tmp_path):
    folder = shutil.copytree(fern, tmp_path / "changed")
    edit_weights(folder, lambda w: {name: weight + 1e-3 for name, weight in w.items()})
    assert "changed since it was sealed: adapter_model.safetensors" in refusal(folder, facts)


def test_a_pickle_is_refused_and_never_opened(copy, facts, tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    torch.save({"trap": Trap()}, copy / "adapter_model.bin")
    assert "pickles" in refusal(copy, facts)
    (copy / "adapter_model.safetensors").unlink()
    assert "pickles" in refusal(copy, facts)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(copy, facts, value):
    def poison(weights):
        weights[sorted(weights)[0]][0, 0] = value
        return weights

    edit_weights(copy, poison)
    assert "not finite" in refusal(copy, facts)


def test_unfused_names_are_refused(copy, facts):
    edit_weights(copy, lambda w: {k.replace("qkv_proj", "q_proj"): v for k, v in w.items()})
    assert "hasn't got" in refusal(copy, facts)


def test_a_partial_adapter_is_refused(base, facts, tmp_path):
    half = make_adapter(base, tmp_path / "half", seed=1, targets=("o_proj", "down_proj"))
    assert "4 of 8 projections" in refusal(half, facts)


def test_a_rank_above_the_limit_is_refused(base, facts, tmp_path):
    wide = make_adapter(base, tmp_path / "wide", seed=1, rank=9)
    assert "above this engine's limit of 8" in refusal(wide, facts)


def test_shapes_that_do_not_fit_are_refused(copy, facts):
    edit_weights(copy, lambda w: {k: v[:, :-1].contiguous() for k, v in w.items()})
    assert "shape" in refusal(copy, facts)


@pytest.mark.parametrize(
    "setting",
    [
        {"peft_type": "IA3"},
        {"use_dora": True},
        {"bias": "all"},
        {"rank_pattern": {"o_proj": 2}},
        {"modules_to_save": ["lm_head"]},
        {"r": "4"},
        {"r": 0},
    ],
)
def test_anything_but_plain_lora_is_refused(copy, facts, setting):
    edit_json(copy / "adapter_config.json", **setting)
    refusal(copy, facts)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("adapter_config.json", "{not json"),
        ("adapter_config.json", json.dumps(["a list"])),
        ("adapter_model.safetensors", "not a tensor file"),
        (MANIFEST_NAME, json.dumps({"files": ["a list"]})),
    ],
)
def test_what_is_not_readable_is_refused(copy, facts, name, content):
    (copy / name).write_text(content)
    assert "not readable" in refusal(copy, facts)


def test_a_missing_folder_is_never_looked_up_elsewhere(facts, tmp_path):
    assert "missing" in refusal(tmp_path / "org" / "name", facts)


@torch.no_grad()
def test_the_bank_changes_only_the_tokens_of_its_adapters(fern, moss, facts):
    model = make_model()
    name, layer = next(iter(find_projections(model).items()))
    x = torch.randn(1, 5, layer.in_features)
    plain = layer(x).clone()
    bank = LoraBank(model)
    adapters = {1: read_adapter(fern, **facts), 2: read_adapter(moss, **facts)}
    for uid, adapter in adapters.items():
        bank.put(uid, adapter)
    bank.route([2, 0, 1, 77], [2, 1, 1, 1])
    mixed = layer(x)

    def changed(uid, rows):
        a, b = adapters[uid].pairs[name]
        return plain[:, rows] + x[:, rows] @ a.T @ b

    assert torch.allclose(mixed[:, :2], changed(2, slice(0, 2)), atol=1e-5)
    assert torch.equal(mixed[:, 2], plain[:, 2])
    assert torch.allclose(mixed[:, 3], changed(1, slice(3, 4))[:, 0], atol=1e-5)
    assert torch.equal(mixed[:, 4], plain[:, 4])
    bank.drop(2)
    bank.route([2, 1], [4, 1])
    assert torch.equal(layer(x)[:, :4], plain[:, :4])
    bank.close()
    assert torch.equal(layer(x), plain)


@torch.no_grad()
def test_an_overflow_under_one_adapter_stays_there(fern, facts):
    model = make_model()
    layer = next(iter(find_projections(model).values()))
    bank = LoraBank(model)
    bank.put(1, read_adapter(fern, **facts))
    x = torch.full((1, 2, layer.in_features), 3e38)
    x[0, 1] = 1.0
    bank.route([0, 1], [1, 1])
    assert layer(x)[0, 1].isfinite().all()
    bank.route([1, 0], [1, 1])
    assert layer(x)[0, 1].isfinite().all()
