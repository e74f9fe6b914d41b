"""The base model with fresh adapter weights: from disk to memory, and the adapter back to disk.

Paths and dataclasses in, models out: knows no data, no loop, no database.
"""

import resource
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from peft import (
    LoraConfig,
    PeftModel,
    get_peft_model,
    prepare_model_for_kbit_training,
    set_peft_model_state_dict,
)
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, TrainingArguments

from training.errors import RecipeRefused
from training.recipes import Recipe

LIBRARIES = ("torch", "transformers", "peft", "accelerate", "bitsandbytes")


def choose_device(device: str, dtype: str) -> tuple[bool, torch.dtype]:
    """Whether to stay on the CPU, and the number format; raises RecipeRefused without a GPU."""
    has_gpu = torch.cuda.is_available()
    if device == "cuda" and not has_gpu:
        raise RecipeRefused(
            "TRAINING_DEVICE is cuda, but no GPU is to be seen: check the driver, or set it to cpu."
        )
    on_cpu = device == "cpu" or not has_gpu
    is_exact = dtype == "float32" or (dtype == "auto" and on_cpu)
    return on_cpu, torch.float32 if is_exact else torch.bfloat16


def load_base(folder: Path, recipe: Recipe, dtype: torch.dtype, *, on_cpu: bool) -> Any:
    """The frozen base model, in 4 bit for QLoRA; local safetensors only, no remote code."""
    quantisation = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )
    model = AutoModelForCausalLM.from_pretrained(
        folder,
        dtype=dtype,
        quantization_config=quantisation if recipe.method == "qlora" else None,
        device_map=None if on_cpu else {"": torch.cuda.current_device()},
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
    )
    model.config.use_cache = False
    if recipe.method == "qlora":
        keep_differentiable(model)
        return prepare_model_for_kbit_training(
            model,
            use_gradient_checkpointing=recipe.gradient_checkpointing,
            gradient_checkpointing_kwargs={"use_reentrant": False},
        )
    if recipe.gradient_checkpointing:
        model.enable_input_require_grads()
    return model


def keep_differentiable(model: Any) -> None:
    """Stops bitsandbytes from packing 4-bit weights for inference on CPUs that know bf16.

    The first evaluation would pack them, and every gradient after it would silently be wrong.
    """
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False


def attach_adapter(model: Any, recipe: Recipe) -> PeftModel:
    """The model with fresh adapter weights on exactly the layers of the recipe.

    peft skips names that match nothing without a word, so the result is counted.
    """
    config = LoraConfig(
        r=recipe.r,
        lora_alpha=recipe.lora_alpha,
        lora_dropout=recipe.lora_dropout,
        use_rslora=recipe.use_rslora,
        target_modules=list(recipe.target_modules),
        task_type="CAUSAL_LM",
    )
    adapted = get_peft_model(model, config)
    layers = model.config.num_hidden_layers
    names = [name.rpartition(".")[2] for name in adapted.targeted_module_names]
    for target in recipe.target_modules:
        if names.count(target) != layers:
            raise RecipeRefused(
                f"Only {names.count(target)} of {layers} layers have a {target}: the base model is "
                "not of the Phi-3 family.",
                field="target_modules",
            )
    return adapted


def pad_id(model: Any) -> int:
    """The id that fills a batch; what it means is of no matter, the attention mask hides it."""
    return int(model.config.pad_token_id or 0)


def restore_adapter(model: Any, checkpoint: Path) -> None:
    """Puts the adapter weights of a checkpoint into the model."""
    set_peft_model_state_dict(model, load_file(checkpoint / "adapter_model.safetensors"))


def save_adapter(model: PeftModel, base_model: Path, output: Path) -> None:
    """Writes `adapter/` as a PEFT folder, complete or not at all, without paths of this machine."""
    made, place = output / "adapter.part", output / "adapter"
    shutil.rmtree(made, ignore_errors=True)
    config = model.peft_config["default"]
    config.base_model_name_or_path = base_model.name
    config.target_modules = sorted(config.target_modules)  # peft's set has another order each time
    # Without False, peft asks the hub whether the vocabulary has grown.
    model.save_pretrained(str(made), safe_serialization=True, save_embedding_layers=False)
    (made / "README.md").unlink(missing_ok=True)
    shutil.rmtree(place, ignore_errors=True)
    made.rename(place)


def describe(
    model: PeftModel, arguments: TrainingArguments, dtype: torch.dtype, left_out: list[int]
) -> dict[str, Any]:
    """What the run's page says about how it was trained."""
    trainable, parameters = model.get_nb_trainable_parameters()
    device = arguments.device
    is_gpu = device.type == "cuda"
    return {
        "total_steps": arguments.max_steps,
        "device": torch.cuda.get_device_name(device) if is_gpu else "CPU",
        "devices": arguments.world_size,
        "dtype": str(dtype).removeprefix("torch."),
        "trainable_parameters": trainable,
        "parameters": parameters,
        "left_out": left_out,
        "versions": {name: version(name) for name in LIBRARIES},
    }


def peak_memory() -> int:
    """The most bytes that were taken so far: of the GPU where there is one, else of the process."""
    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
