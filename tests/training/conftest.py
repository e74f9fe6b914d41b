"""A tiny Phi-3, a small dataset, and runs of it."""

import io
import json

import pytest

from tests.chat.engine.conftest import make_base
from training.datasets import import_dataset
from training.recipes import Recipe
from training.runs import start_run

TINY = {
    "r": 2,
    "lora_alpha": 4,
    "learning_rate": 2e-2,
    "max_steps": 8,
    "save_steps": 2,
    "eval_steps": 4,
    "per_device_train_batch_size": 4,
    "max_length": 256,
}


def line(question, answer, **more):
    turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return json.dumps({"messages": turns, **more}).encode()


def jsonl(*lines):
    return io.BytesIO(b"\n".join(lines) + b"\n")


def seal_lines(count=24):
    return [line(f"Seal of pump {n}?", f"SK-{n % 5}.", source=f"s{n}") for n in range(count)]


@pytest.fixture(scope="session")
def base(tmp_path_factory):
    """The folder of a Phi-3 of a few thousand weights."""
    return make_base(tmp_path_factory.mktemp("base") / "tiny-phi3")


@pytest.fixture
def tiny(settings, base):
    """That model as the site's base model, on the CPU."""
    settings.BASE_MODEL, settings.TRAINING_DEVICE = str(base), "cpu"
    return base


@pytest.fixture
def recipe():
    return Recipe(**TINY)


@pytest.fixture
def dataset(tiny, admin):
    return import_dataset("Seals", jsonl(*seal_lines()), actor=admin, filename="seals.jsonl")


@pytest.fixture
def run(dataset, recipe, admin):
    return start_run(dataset, recipe, name="Seals", actor=admin)
