"""Brings a base model from disk to memory, once its files have been found fit to load.

Only the Phi-3 architecture, only safetensors, never code out of a model folder. Knows paths and
models; no adapter, no batch, no settings.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer, BitsAndBytesConfig, GenerationConfig, Phi3Config
from transformers import Phi3ForCausalLM as Phi3
from transformers.utils import logging

from chat.engine import EngineError, Fingerprint
from chat.engine.int8 import quantise_linears
from chat.fingerprints import fingerprint_model

# What a model folder may bring along from the hub: data, no code and no pickles.
HUB_FILES = ["*.json", "*.safetensors", "*.jinja", "tokenizer.model"]
# Ends of a turn by name, for folders whose generation_config.json forgets some of them.
TURN_ENDS = ("<|end|>", "<|endoftext|>", "<|im_end|>", "<|assistant|>")
VERSIONED = ("torch", "transformers", "tokenizers", "safetensors")
SMALL = 2 * 2**30


@dataclass(frozen=True)
class LoadedBase:
    """A base model that is ready to generate, and what must be known to do so."""

    model: Phi3
    tokenizer: Any
    fingerprint: Fingerprint
    stop_ids: frozenset[int]
    context_limit: int


def choose_device_and_dtype(weight_bytes: int = 0) -> tuple[str, torch.dtype]:
    """Where to compute and how exactly; `weight_bytes` is the size of the weights on disk.

    On CPUs bf16 is the faster one only where the matrix units know it (measured: without them fp32
    prefills twice as fast), but twice the memory is no choice for a large model.
    """
    if torch.cuda.is_available():
        return "cuda", torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    has_matrix_unit = bool(torch.cpu.get_capabilities().get("amx_bf16"))
    return "cpu", torch.bfloat16 if has_matrix_unit or weight_bytes > SMALL else torch.float32


def load_base(
    folder_or_id: str | Path,
    *,
    dtype: torch.dtype | None = None,
    device: str | None = None,
    quantisation: str | None = None,
) -> LoadedBase:
    """Loads a folder, or a hub id such as `microsoft/Phi-3-mini-4k-instruct@revision`.

    `quantisation` is None, "nf4", or "int8" on a CPU. Raises EngineError `base_unavailable` or
    `base_refused`.
    """
    folder = _find(folder_or_id)
    config = _read_config(folder)
    weight_bytes = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    found_device, found_dtype = choose_device_and_dtype(weight_bytes)
    device, dtype = device or found_device, dtype or found_dtype
    logging.disable_progress_bar()
    versions = {name: version(name) for name in VERSIONED}
    versions |= {"dtype": str(dtype).removeprefix("torch."), "device": device}
    if quantisation:
        versions["quantisation"] = quantisation
    with ThreadPoolExecutor(max_workers=1) as pool:  # hashing beside loading: both take seconds
        fingerprint = pool.submit(
            fingerprint_model,
            folder,
            base_model=str(folder_or_id) if not Path(folder_or_id).is_dir() else folder.name,
            engine="phi3",
            versions=versions,
        )
        model = _load_model(folder, config, dtype, device, quantisation)
        tokenizer = load_tokenizer(folder)
        return LoadedBase(
            model=model,
            tokenizer=tokenizer,
            fingerprint=fingerprint.result(),
            stop_ids=stop_ids(model.generation_config, config, tokenizer),
            context_limit=context_limit(config),
        )


def load_tokenizer(folder: Path) -> Any:
    """The folder's tokenizer, padding on the left with something that ends no turn."""
    tokenizer = AutoTokenizer.from_pretrained(
        folder, local_files_only=True, trust_remote_code=False, padding_side="left"
    )
    if not tokenizer.chat_template:
        raise EngineError("base_refused", f"{folder.name} has no chat template.")
    known = tokenizer.get_vocab()
    ends = {known.get(name) for name in ("<|end|>", "<|im_end|>")} | {None}
    if tokenizer.pad_token_id in ends:
        spare = ("<|endoftext|>", tokenizer.unk_token)
        tokenizer.pad_token = next((name for name in spare if known.get(name) not in ends), None)
    if tokenizer.pad_token_id is None:
        raise EngineError("base_refused", f"{folder.name} has no token left to pad with.")
    return tokenizer


def stop_ids(generation: GenerationConfig, config: Phi3Config, tokenizer: Any) -> frozenset[int]:
    """Every token that ends an answer; Phi-3's config.json names only one of its three."""
    ids: set[int] = set()
    for value in (generation.eos_token_id, config.eos_token_id, tokenizer.eos_token_id):
        ids |= {value} if isinstance(value, int) else set(value or ())
    known = tokenizer.get_vocab()
    return frozenset(ids | {known[name] for name in TURN_ENDS if name in known})


def context_limit(config: Phi3Config) -> int:
    """Tokens that one request may span.

    Long-context models choose their position factors for a whole batch at once: a row beyond the
    original length would change its neighbours, so the shared batch stays within that length.
    """
    rope = getattr(config, "rope_parameters", None) or {}
    limit = int(config.max_position_embeddings)
    if rope.get("rope_type", "default") != "default":
        limit = min(limit, int(config.original_max_position_embeddings))
    return limit


def _find(folder_or_id: str | Path) -> Path:
    path = Path(folder_or_id)
    if path.is_dir():
        return path
    name, _, revision = str(folder_or_id).partition("@")
    if name.count("/") != 1 or name.startswith((".", "/", "~")) or os.sep in revision:
        raise EngineError("base_unavailable", f"There is no model folder {folder_or_id}.")
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, revision=revision or None, allow_patterns=HUB_FILES))
    except Exception as error:
        raise EngineError(
            "base_unavailable", f"{name} is neither a folder nor to be had from the hub: {error}"
        ) from error


def _read_config(folder: Path) -> Phi3Config:
    if not any(folder.glob("*.safetensors")):
        raise EngineError("base_refused", f"{folder.name} holds no *.safetensors weights.")
    try:
        config = Phi3Config.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        raise EngineError("base_refused", f"{folder.name}: config.json: {error}") from error
    if "Phi3ForCausalLM" not in (config.architectures or []):
        named = ", ".join(config.architectures or ["nothing"])
        raise EngineError(
            "base_refused",
            f"{folder.name} is {named}; this engine serves Phi3ForCausalLM only "
            "(Phi-3-mini, Phi-3.5-mini, Phi-4-mini). Other models can be served as 'remote'.",
        )
    return config


def _load_model(
    folder: Path, config: Phi3Config, dtype: torch.dtype, device: str, quantisation: str | None
) -> Phi3:
    options: dict[str, Any] = {}
    if quantisation == "nf4":
        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=dtype,
        )
    elif quantisation == "int8" and device != "cpu":
        raise EngineError("base_refused", "int8 is for CPUs: on a GPU say nf4, or nothing.")
    elif quantisation not in (None, "int8"):
        raise EngineError(
            "base_refused", f"Unknown quantisation {quantisation!r}: say int8, nf4, or nothing."
        )
    if device != "cpu":
        options["device_map"] = device
    model: Phi3 = Phi3.from_pretrained(
        folder,
        config=config,
        dtype=dtype,
        use_safetensors=True,
        local_files_only=True,
        attn_implementation="sdpa",
        **options,
    )
    if quantisation == "int8":
        quantise_linears(model)
    return model.eval()
