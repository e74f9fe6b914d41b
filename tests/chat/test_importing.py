"""Adapters made elsewhere: the right ones serve exactly what they were trained to, the wrong ones
are refused with the reason."""

import io
import json
import pickle
import zipfile

import pytest
import torch
from safetensors.torch import load_file, save_file

from chat.bases import linear_shapes, read_config
from chat.conversion import part_rows
from chat.errors import AdapterRefused
from chat.importing import import_adapter
from chat.models import Adapter
from phi3site.audit.models import AuditEvent
from tests.chat.engine.conftest import make_base

pytestmark = pytest.mark.django_db

SEPARATE = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
FUSED = ["qkv_proj", "o_proj", "gate_up_proj", "down_proj"]
IDS = torch.tensor([[5, 90, 17, 33, 8, 200, 41, 7]])


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return make_base(tmp_path_factory.mktemp("importing") / "tiny-phi3")


@pytest.fixture(autouse=True)
def site(settings, base, tmp_path):
    settings.BASE_MODEL, settings.DATA_DIR = str(base), tmp_path / "data"
    settings.DATA_DIR.mkdir()


def phi3(base):
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32).eval()


def llama(base):
    """The same model with its matrices apart, as other families have them."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = read_config(base)
    names = ("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "rms_norm_eps")
    shape = {name: config[name] for name in (*names, "num_attention_heads", "num_key_value_heads")}
    model = LlamaForCausalLM(LlamaConfig(**shape, max_position_embeddings=1024)).eval()
    weights, rows = phi3(base).state_dict(), part_rows(config)
    for name in list(weights):
        for fused, parts in (
            ("qkv_proj", ["q_proj", "k_proj", "v_proj"]),
            ("gate_up_proj", ["gate_proj", "up_proj"]),
        ):
            if fused in name:
                pieces = weights.pop(name).split(list(rows[fused]))
                weights |= {name.replace(fused, p): w for p, w in zip(parts, pieces, strict=True)}
    model.load_state_dict(weights)
    return model


def adapt(model, targets, *, dtype=torch.float32, **options):
    """Adapter weights that change what the model says."""
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(**{"r": 4, "lora_alpha": 8, "target_modules": targets, **options})
    adapted = get_peft_model(model, config)
    generator = torch.Generator().manual_seed(7)
    for name, weights in adapted.named_parameters():
        if "lora_" in name:
            fresh = torch.randn(weights.shape, generator=generator) * 0.2
            weights.data = fresh.to(dtype).float()
    return adapted


def zipped(folder, *, leave_out=(), **more):
    """A zip of a PEFT folder, in a folder of its own as people zip them."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted(folder.iterdir()):
            if path.name not in leave_out:
                archive.write(path, f"adapter/{path.name}")
        for name, content in more.items():
            archive.writestr(f"adapter/{name.replace('__', '.')}", content)
    buffer.seek(0)
    return buffer


def saved(adapted, folder, change=None):
    """The folder as peft writes it; `change` edits its tensors."""
    adapted.save_pretrained(folder)
    if change:
        path = folder / "adapter_model.safetensors"
        tensors = load_file(path)
        change(tensors)
        save_file(tensors, path)
    return folder


def served(base, adapter, data):
    """Logits of the base with an imported adapter, read by peft."""
    from peft import PeftModel

    with torch.no_grad():
        return PeftModel.from_pretrained(phi3(base), str(data / adapter.folder))(IDS).logits


@pytest.mark.parametrize(
    ("targets", "options", "rank"),
    [
        (SEPARATE, {}, 12),
        (["q_proj", "v_proj"], {}, 8),
        (["k_proj", "up_proj", "down_proj"], {"use_rslora": True}, 4),
        (["gate_proj", "up_proj"], {"lora_alpha": 3}, 8),
        (FUSED, {}, 4),
        (["qkv_proj", "o_proj"], {}, 4),
    ],
)
def test_logits_are_those_of_the_model_it_was_made_with(
    base, tmp_path, settings, admin, targets, options, rank
):
    model = phi3(base) if targets[0] in FUSED else llama(base)
    adapted = adapt(model, targets, **options)
    with torch.no_grad():
        expected = adapted(IDS).logits
    folder = saved(adapted, tmp_path / "made")
    adapter = import_adapter(zipped(folder), name="Elsewhere", actor=admin)
    assert (adapter.rank, adapter.state) == (rank, "candidate")
    found = served(base, adapter, settings.DATA_DIR)
    with torch.no_grad():
        assert not torch.allclose(found, phi3(base)(IDS).logits, atol=0.1)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_smaller_number_formats_are_moved_bit_by_bit(base, tmp_path, settings, admin, dtype):
    def shrink(tensors):
        tensors.update({name: tensor.to(dtype) for name, tensor in tensors.items()})

    adapted = adapt(llama(base), SEPARATE, dtype=dtype)
    folder = saved(adapted, tmp_path / "made", shrink)
    adapter = import_adapter(zipped(folder), name="Elsewhere", actor=admin)
    made = load_file(settings.DATA_DIR / adapter.folder / "adapter_model.safetensors")
    assert {tensor.dtype for tensor in made.values()} == {dtype}
    with torch.no_grad():
        expected = adapted(IDS).logits
    torch.testing.assert_close(
        served(base, adapter, settings.DATA_DIR), expected, rtol=1e-4, atol=1e-4
    )


def test_the_engine_reads_what_was_converted(base, tmp_path, settings, admin):
    from chat.engine.lora import read_adapter

    folder = saved(adapt(llama(base), SEPARATE), tmp_path / "made")
    adapter = import_adapter(zipped(folder), name="Elsewhere", actor=admin)
    shapes = {
        name.removesuffix(".weight"): (wide, out)
        for name, (out, wide) in linear_shapes(base).items()
        if name.removesuffix(".weight").rpartition(".")[2] in FUSED
    }
    weights = read_adapter(
        settings.DATA_DIR / adapter.folder,
        base=adapter.base_fingerprint,
        shapes=shapes,
        max_rank=settings.CHAT_ADAPTER_RANK,
    )
    assert len(weights.pairs) == 8


def test_what_was_found_is_kept_with_the_adapter(base, tmp_path, admin, client):
    folder = saved(adapt(llama(base), ["q_proj", "v_proj"]), tmp_path / "made")
    adapter = import_adapter(zipped(folder), name="Elsewhere", actor=admin)
    client.force_login(admin)
    page = client.get(adapter.get_absolute_url()).content.decode()
    assert "q_proj, v_proj" in page
    assert "It leaves o_proj, gate_up_proj, down_proj as the base model has them" in page
    assert "was stated by" in page
    assert AuditEvent.objects.filter(action="adapter.registered").count() == 1


def lose_a_layer(tensors):
    for name in [name for name in tensors if "layers.1." in name]:
        del tensors[name]


def add_a_layer(tensors):
    for name in [name for name in tensors if "layers.1." in name]:
        tensors[name.replace("layers.1.", "layers.2.")] = tensors[name].clone()


def spoil_a_number(tensors):
    tensors[min(tensors)][0, 0] = float("nan")


def overflow_a_number(tensors):
    tensors[max(tensors)][0, 0] = float("inf")


def widen(tensors):
    name = next(name for name in tensors if "k_proj.lora_B" in name)
    tensors[name] = torch.zeros(64, 4)


def mix_formats(tensors):
    tensors[min(tensors)] = tensors[min(tensors)].half()


def name_both(tensors):
    for layer in (0, 1):
        stem = f"base_model.model.model.layers.{layer}.self_attn.qkv_proj"
        tensors[f"{stem}.lora_A.weight"] = torch.zeros(4, 64)
        tensors[f"{stem}.lora_B.weight"] = torch.zeros(128, 4)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lose_a_layer, "layers are missing, such as model.layers.1."),
        (add_a_layer, "hasn't got, such as base_model.model.model.layers.2."),
        (spoil_a_number, "not finite"),
        (overflow_a_number, "not finite"),
        (widen, "is 64 by 4, where this base model and its rank need 32 by 4"),
        (mix_formats, "several number formats"),
        (name_both, "qkv_proj and its parts at once"),
    ],
)
def test_a_wrong_adapter_is_refused_with_the_reason(
    base, tmp_path, settings, admin, change, reason
):
    folder = saved(adapt(llama(base), SEPARATE), tmp_path / "made", change)
    with pytest.raises(AdapterRefused, match=reason):
        import_adapter(zipped(folder), name="Wrong", actor=admin)
    assert not Adapter.objects.exists()
    assert not list((settings.DATA_DIR / "adapters").iterdir())


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"use_dora": True}, "use_dora"),
        ({"rank_pattern": {"q_proj": 2}}, "rank_pattern"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"r": 64}, "its rank, 192 in Phi-3's layers, is above the 128"),
    ],
)
def test_other_kinds_of_adapters_are_refused(base, tmp_path, admin, options, reason):
    folder = saved(adapt(llama(base), SEPARATE, **options), tmp_path / "made")
    with pytest.raises(AdapterRefused, match=reason):
        import_adapter(zipped(folder), name="Wrong", actor=admin)


def test_an_adapter_of_a_wider_base_is_refused(base, tmp_path, admin):
    other = make_base(tmp_path / "wider", hidden_size=96, intermediate_size=160)
    folder = saved(adapt(phi3(other), FUSED), tmp_path / "made")
    with pytest.raises(AdapterRefused, match="it was made for another model"):
        import_adapter(zipped(folder), name="Wrong", actor=admin)


class Trap:
    """Leaves a mark when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_a_pickle_is_refused_unopened_under_any_name(base, tmp_path, admin):
    mark = tmp_path / "mark"
    trap = pickle.dumps(Trap(mark))
    folder = saved(adapt(llama(base), SEPARATE), tmp_path / "made")
    for upload, code in (
        (zipped(folder, adapter_model__bin=trap), "adapter_pickle"),
        (zipped(folder, extra__PT=trap), "adapter_pickle"),
        (
            zipped(
                folder,
                leave_out={"adapter_model.safetensors"},
                adapter_model__safetensors=trap,
            ),
            "adapter_refused",
        ),
    ):
        with pytest.raises(AdapterRefused) as refusal:
            import_adapter(upload, name="Trap", actor=admin)
        assert refusal.value.code == code
    assert not mark.exists()


def test_archives_that_are_none_or_lack_a_file_are_refused(base, tmp_path, admin):
    folder = saved(adapt(llama(base), SEPARATE), tmp_path / "made")
    for upload, code in (
        (io.BytesIO(b"no zip at all"), "adapter_archive"),
        (zipped(folder, leave_out={"adapter_config.json"}), "adapter_incomplete"),
        (
            zipped(folder, leave_out={"adapter_config.json"}, adapter_config__json=json.dumps([1])),
            "adapter_refused",
        ),
    ):
        with pytest.raises(AdapterRefused) as refusal:
            import_adapter(upload, name="Wrong", actor=admin)
        assert refusal.value.code == code


def test_the_page_imports_and_refuses_in_words(base, tmp_path, admin, client):
    client.force_login(admin)
    folder = saved(adapt(llama(base), SEPARATE), tmp_path / "made")
    upload = zipped(folder)
    upload.name = "adapter.zip"
    values = {"name": "Elsewhere", "is_of_this_base": "on", "file": upload}
    made = client.post("/console/adapters/import/", values)
    assert made.status_code == 302
    assert made.url == Adapter.objects.get().get_absolute_url()
    values["file"] = io.BytesIO(b"no zip")
    values["file"].name = "adapter.zip"
    refused = client.post("/console/adapters/import/", values)
    assert refused.status_code == 422
    assert "table of contents" in refused.content.decode()
    del values["is_of_this_base"]
    assert client.post("/console/adapters/import/", values).status_code == 422
