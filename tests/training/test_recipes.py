"""A recipe that exists can be run: everything else is refused with the field to change."""

import dataclasses
import math

import pytest

from training.errors import RecipeRefused
from training.recipes import FUSED, LABELS, METHOD_NAMES, METHODS, Recipe, presets, read_recipe


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("method", "dora"),
        ("method", "lora; rm -rf /"),
        ("r", 0),
        ("r", 257),
        ("r", True),
        ("r", "16"),
        ("lora_dropout", 0.6),
        ("learning_rate", 0.0),
        ("learning_rate", math.nan),
        ("learning_rate", math.inf),
        ("max_steps", 0),
        ("num_train_epochs", -1.0),
        ("per_device_train_batch_size", 0),
        ("max_length", 8),
        ("lr_scheduler_type", "cosine\n--flag"),
        ("gradient_checkpointing", 1),
        ("target_modules", []),
        ("target_modules", ["qkv_proj", "qkv_proj"]),
        ("target_modules", ["q_proj", "k_proj", "v_proj", "o_proj"]),
        ("target_modules", "all-linear"),
        ("output_dir", "/tmp/x"),
    ],
)
def test_a_bad_value_is_refused_by_its_field(field, value):
    with pytest.raises(RecipeRefused) as refusal:
        read_recipe({field: value})
    assert refusal.value.field == field
    assert refusal.value.message.endswith(".")


def test_a_recipe_survives_json():
    recipe = Recipe(r=8, target_modules=("o_proj",), learning_rate=1e-3)
    assert read_recipe(recipe.as_dict()) == recipe


def test_a_whole_number_will_do_for_a_fraction():
    assert read_recipe({"num_train_epochs": 2}).num_train_epochs == 2.0


def test_phi3_layers_are_the_default():
    assert Recipe().target_modules == FUSED


@pytest.mark.parametrize("is_demo", [True, False])
def test_presets_differ_in_effort(is_demo):
    offered = presets(is_demo=is_demo)
    steps = [offered[name].total_steps(400) for name in ("quick", "standard", "thorough")]
    assert steps == sorted(set(steps))


@pytest.mark.parametrize("is_demo", [True, False])
def test_no_preset_is_longer_than_the_model_reads(is_demo):
    longest = {recipe.max_length for recipe in presets(is_demo=is_demo).values()}
    for context, expected in ((300, {300}), (10**6, longest), (None, longest)):
        offered = presets(is_demo=is_demo, context=context)
        assert {recipe.max_length for recipe in offered.values()} == expected


def test_every_field_has_a_name_for_people():
    assert LABELS.keys() == {field.name for field in dataclasses.fields(Recipe)}
    assert all(label[0].isupper() for label in LABELS.values())
    assert METHOD_NAMES.keys() == set(METHODS)


def test_the_demo_model_learns_in_larger_steps():
    small, large = presets(is_demo=True)["standard"], presets(is_demo=False)["standard"]
    assert small.learning_rate == 10 * large.learning_rate


def test_steps_follow_epochs_and_effective_batch():
    recipe = Recipe(
        num_train_epochs=2.0, per_device_train_batch_size=4, gradient_accumulation_steps=2
    )
    assert recipe.effective_batch == 8
    assert recipe.total_steps(17) == 6
    assert Recipe(max_steps=5).total_steps(17) == 5
