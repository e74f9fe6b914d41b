"""After each measurement people see what the model says, not only a number."""

import dataclasses

import pytest
import torch

from tests.training.test_finetuning import EXAMPLE_ROWS, train, turns
from training.finetuning import Conversation
from training.samples import COUNT, LONGEST_PROMPT, Asked, Samples, choose_asked
from training.tokens import FolderCodec


@pytest.fixture(scope="module")
def told(base, tmp_path_factory):
    from tests.training.conftest import TINY
    from training.recipes import Recipe

    # One answer for all questions is soon learned.
    rows = [
        Conversation(n, turns(f"Seal of pump {n}?", "SK-1."), is_eval=n % 6 == 5) for n in range(24)
    ]
    recipe = Recipe(**{**TINY, "max_steps": 40, "eval_steps": 20, "save_steps": 40})
    told, _ = train(recipe, base, tmp_path_factory.mktemp("said"), rows=rows)
    return [event for event in told if event.get("kind") == "said"]


def test_the_same_questions_are_asked_after_each_measurement(told):
    assert [event["step"] for event in told] == [0, 20, 40]
    asked = [[answer["line"] for answer in event["values"]["answers"]] for event in told]
    assert asked == [[5, 11, 17]] * 3


def test_what_it_says_changes_with_what_it_learned(told):
    first, last = (event["values"]["answers"] for event in (told[0], told[-1]))
    assert [answer["question"] for answer in last] == [f"Seal of pump {n}?" for n in (5, 11, 17)]
    assert all(answer["wanted"] == "SK-1." for answer in last)
    assert all(answer["said"] == "SK-1." for answer in last)
    assert all(answer["said"] != "SK-1." for answer in first)


@pytest.mark.parametrize("packing", [True, False])
def test_asking_changes_nothing_that_is_learned(base, recipe, tmp_path, packing, monkeypatch):
    same = dataclasses.replace(recipe, packing=packing)
    asked, _ = train(same, base, tmp_path / "asked")
    monkeypatch.setattr("training.finetuning.choose_asked", lambda codec, examples: [])
    silent, _ = train(same, base, tmp_path / "silent")
    assert asked.losses() == silent.losses()
    assert not [event for event in silent if event.get("kind") == "said"]


def test_long_prompts_are_not_asked(base):
    codec = FolderCodec(base)
    long = (1, turns("x" * LONGEST_PROMPT, "No."))
    short = [(row.line, row.turns) for row in EXAMPLE_ROWS]
    asked = choose_asked(codec, [long, *short])
    assert [each.line for each in asked] == [0, 1, 2]
    assert len(asked) == COUNT


def test_whatever_a_model_says_can_be_stored(base):
    class Model:
        """Says a byte that ends texts in C."""

        config = type("Config", (), {"_attn_implementation": "sdpa"})
        device = "cpu"

        def set_attn_implementation(self, name):
            """Not ours to check."""

        def generate(self, input_ids, **_):
            return torch.cat([input_ids, torch.tensor([codec.plain("a\x00b")])], 1)

    told, codec = [], FolderCodec(base)
    state = type("State", (), {"is_world_process_zero": True, "global_step": 3})
    asked = [Asked(1, codec.plain("Seal?"), "Seal?", "SK-1.")]
    samples = Samples(codec, asked, lambda **event: told.append(event))
    samples.on_evaluate(None, state, None, model=Model())
    assert told[0]["values"]["answers"][0]["said"] == "a\ufffdb"
