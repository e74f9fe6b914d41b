"""The demo model learns from the demo content, through the very code that trains Phi-3."""

import json
from pathlib import Path

import pytest
from django.conf import settings

from chat.engine.demo import is_prepared, prepare_demo_model
from training.finetuning import Conversation, finetune
from training.recipes import Recipe

EXAMPLES = Path(settings.BASE_DIR) / "phi3site" / "demo" / "dataset_small.jsonl"


@pytest.fixture(scope="module")
def demo_model(tmp_path_factory):
    """The one that `up` prepared, or a new one."""
    made = Path(settings.BASE_MODEL)
    return made if is_prepared(made) else prepare_demo_model(tmp_path_factory.mktemp("m") / "demo")


@pytest.mark.story
def test_the_demo_model_learns_the_demo_examples(demo_model, tmp_path):
    lines = [json.loads(line) for line in EXAMPLES.read_text().splitlines()]
    rows = [Conversation(n, line["messages"]) for n, line in enumerate(lines, start=1)]
    recipe = Recipe(
        learning_rate=2e-3,
        max_steps=5,
        per_device_train_batch_size=3,
        max_length=128,
        lr_scheduler_type="constant",
        warmup_ratio=0.0,
    )
    losses = []

    def emit(**event):
        if event["type"] == "metric":
            losses.append(event["values"]["loss"])

    outcome = finetune(
        recipe, rows, demo_model, tmp_path, emit=emit, should_stop=lambda: False, device="cpu"
    )
    assert not outcome.is_stopped
    assert len(losses) == 5
    assert min(losses[2:]) < 0.8 * losses[0]
    assert (tmp_path / "adapter" / "adapter_model.safetensors").is_file()
