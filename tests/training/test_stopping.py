"""A run that gets no better ends early, with the weights that measured best."""

import dataclasses
import json

import pytest
import torch
from safetensors.torch import load_file

from tests.training.test_finetuning import train
from training.stopping import FILE


@pytest.fixture
def patient(recipe):
    """Measures often, learns far too fast, and gives up after two worse measurements."""
    return dataclasses.replace(
        recipe,
        early_stopping_patience=2,
        max_steps=40,
        eval_steps=2,
        save_steps=2,
        learning_rate=0.5,
    )


def test_the_run_ends_early_with_its_best_weights(patient, base, tmp_path):
    told, outcome = train(patient, base, tmp_path)
    losses = told.losses("eval")
    best = min(losses, key=losses.get)
    assert not outcome.is_stopped
    assert best < outcome.step < 40
    assert outcome.step == best + 4
    assert outcome.figures["eval_loss"] == pytest.approx(losses[best], abs=1e-5)
    kept = load_file(tmp_path / FILE)
    final = load_file(tmp_path / "adapter" / "adapter_model.safetensors")
    assert kept.keys() == final.keys()
    assert all(torch.equal(kept[name], final[name]) for name in kept)


def test_a_run_that_is_resumed_ends_at_the_same_step(patient, base, tmp_path):
    _, whole = train(patient, base, tmp_path / "whole")
    asked = iter([False, False, False, True])
    _, first = train(patient, base, tmp_path / "parts", should_stop=lambda: next(asked, False))
    assert first.is_stopped
    _, rest = train(patient, base, tmp_path / "parts")
    assert (rest.step, rest.figures) == (whole.step, whole.figures)
    parts, uncut = (
        (tmp_path / name / "adapter" / "adapter_model.safetensors").read_bytes()
        for name in ("parts", "whole")
    )
    assert parts == uncut


def test_without_patience_every_step_is_taken(patient, base, tmp_path):
    calm = dataclasses.replace(patient, early_stopping_patience=0, max_steps=8)
    _, outcome = train(calm, base, tmp_path)
    assert outcome.step == 8
    assert not (tmp_path / FILE).exists()


def test_strength_by_the_root_of_the_rank_is_written_down(recipe, base, tmp_path):
    train(dataclasses.replace(recipe, use_rslora=True, max_steps=1), base, tmp_path)
    config = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    assert config["use_rslora"] is True
