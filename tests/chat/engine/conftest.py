"""A Phi-3 of a few thousand weights, with Phi-3's template, made in a second."""

import json

import pytest

TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>\n' + message['content']"
    " + '<|end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"
)
SPECIAL = ("<|endoftext|>", "<|assistant|>", "<|system|>", "<|end|>", "<|user|>")
LIMITS = {"streams": 16, "step_tokens": 96, "cache_tokens": 8192, "patience": 60.0}


def make_tokenizer():
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    backend = Tokenizer(models.BPE({c: i for i, c in enumerate(alphabet)}, []))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    # As in Phi-3: a role token eats the white space behind it.
    backend.add_special_tokens([AddedToken(s, rstrip=s != SPECIAL[0]) for s in SPECIAL])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, eos_token=SPECIAL[0], pad_token=SPECIAL[0]
    )
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def make_model(seed=0, **changes):
    import torch
    from transformers import Phi3Config, Phi3ForCausalLM

    shape = {
        "vocab_size": 261,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 1024,
        "original_max_position_embeddings": 1024,
        "initializer_range": 0.2,
        "bos_token_id": 256,
        "eos_token_id": 256,
        "pad_token_id": 256,
        "sliding_window": None,
    }
    torch.manual_seed(seed)
    model = Phi3ForCausalLM(Phi3Config(**(shape | changes))).eval()
    model.generation_config.eos_token_id = [256, 257, 259]
    return model


def make_base(folder, seed=0, **changes):
    """Writes a base model to the folder as save_pretrained does."""
    make_model(seed, **changes).save_pretrained(folder)
    make_tokenizer().save_pretrained(folder)
    return folder


def make_adapter(base, folder, seed, *, rank=4, targets=None):
    """Writes a LoRA adapter with weights that change what the base says."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    from chat.engine.lora import TARGETS
    from chat.fingerprints import fingerprint_model, write_manifest

    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=list(targets or TARGETS))
    peft = get_peft_model(model, config)
    generator = torch.Generator().manual_seed(seed)
    for name, weight in peft.named_parameters():
        if "lora_" in name:
            weight.data = torch.randn(weight.shape, generator=generator) * 0.1
    peft.save_pretrained(folder)
    write_manifest(folder, base=fingerprint_model(base).base)
    return folder


def edit_json(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.fixture(scope="session")
def base(tmp_path_factory):
    """The folder of the tiny base model."""
    return make_base(tmp_path_factory.mktemp("bases") / "tiny")


@pytest.fixture(scope="session")
def fern(base, tmp_path_factory):
    return make_adapter(base, tmp_path_factory.mktemp("adapters") / "fern", seed=1)


@pytest.fixture(scope="session")
def moss(base, tmp_path_factory):
    return make_adapter(base, tmp_path_factory.mktemp("adapters") / "moss", seed=2, rank=8)


@pytest.fixture
def start(base):
    """Starts engines over a base (the tiny one unless told) and ends them with the test."""
    import torch

    from chat.engine.batch import BatchLimits
    from chat.engine.phi3 import Phi3Engine

    running = []

    def start(folder=base, *, dtype=torch.float32, limits=None, **options):
        batch = BatchLimits(**(LIMITS | (limits or {})))
        running.append(Phi3Engine(folder, dtype=dtype, device="cpu", limits=batch, **options))
        return running[-1]

    yield start
    for engine in running:
        engine.close()


@pytest.fixture
def engine(start):
    return start()
