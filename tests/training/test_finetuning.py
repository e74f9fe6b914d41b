"""Recipe and examples become an adapter, whatever happens on the way."""

import dataclasses
import json
import os
import signal
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file

from chat.fingerprints import hash_files
from tests.chat.engine.conftest import make_base
from training.checkpoints import checkpoint_steps, newest_checkpoint
from training.child import EVENTS, EXAMPLES, Job
from training.errors import RecipeRefused, RunFailed
from training.finetuning import Collator, Conversation, choose_device, finetune, mask_examples
from training.launching import child_environment
from training.loading import attach_adapter, load_base, pad_id
from training.masking import pad_batch
from training.recipes import Recipe
from training.tokens import FolderCodec


def turns(question, answer):
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]


EXAMPLE_ROWS = [
    Conversation(n, turns(f"Seal of pump {n}?", f"SK-{n % 3}."), is_eval=n % 6 == 5)
    for n in range(24)
]


class Told(list):
    """Keeps what is told."""

    def __call__(self, **event):
        self.append(event)

    def losses(self, kind="train"):
        return losses_of(self, kind)


def losses_of(events, kind="train"):
    metrics = [e for e in events if e["type"] == "metric" and e["kind"] == kind]
    return {event["step"]: event["values"]["loss"] for event in metrics}


def train(recipe, base, folder, *, rows=EXAMPLE_ROWS, should_stop=lambda: False):
    told = Told()
    outcome = finetune(recipe, rows, base, folder, emit=told, should_stop=should_stop, device="cpu")
    return told, outcome


@pytest.fixture(scope="module")
def whole(base, tmp_path_factory):
    """An uninterrupted run: what it told, how it ended, where it lies."""
    from tests.training.conftest import TINY

    folder = tmp_path_factory.mktemp("whole")
    return *train(Recipe(**TINY), base, folder), folder


def test_the_loss_falls_and_an_adapter_is_left(whole):
    told, outcome, folder = whole
    losses = told.losses()
    assert list(losses) == list(range(1, 9))
    assert losses[8] < 0.8 * losses[1]
    assert outcome.figures["eval_loss"] < outcome.figures["first_eval_loss"]
    config = json.loads((folder / "adapter" / "adapter_config.json").read_text())
    assert (config["r"], config["lora_alpha"], config["base_model_name_or_path"]) == (
        *(2, 4),
        "tiny-phi3",
    )
    assert sorted(p.name for p in (folder / "adapter").iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
    ]


def test_every_layer_gets_weights_that_moved(whole):
    weights = load_file(whole[2] / "adapter" / "adapter_model.safetensors")
    assert len(weights) == 2 * 4 * 2  # layers, targets, A and B
    assert all(weight.abs().sum() > 0 for weight in weights.values())


def test_the_loss_is_that_of_the_whole_sequence(base, recipe):
    model = load_base(base, recipe, torch.float32, on_cpu=True).eval()
    _, held_back, _ = mask_examples(recipe, EXAMPLE_ROWS, FolderCodec(base))
    batch = Collator(pad_id(model))(held_back)
    whole = {name: torch.tensor(rows) for name, rows in pad_batch(held_back, 0).items()}
    with torch.no_grad():
        assert model(**batch).loss.item() == pytest.approx(model(**whole).loss.item(), rel=1e-6)


def test_only_the_newest_checkpoints_are_kept_and_complete(whole):
    folder = whole[2] / "checkpoints"
    assert checkpoint_steps(folder) == [6, 8]
    assert newest_checkpoint(folder).name == "step-8"
    assert not list(folder.rglob("training_args.bin"))


def test_four_bits_learn_too_and_evaluation_leaves_the_gradients_alone(base, recipe, tmp_path):
    quantised = dataclasses.replace(recipe, method="qlora")
    told, _ = train(quantised, base, tmp_path)
    assert told.losses()[8] < 0.8 * told.losses()[1]
    model = attach_adapter(load_base(base, quantised, torch.float32, on_cpu=True), quantised)
    assert any("4bit" in type(module).__name__ for module in model.modules())
    ids = torch.tensor([[257, 65, 66, 67]])

    def gradient():
        model.train().zero_grad()
        model(input_ids=ids, labels=ids).loss.backward()
        return {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}

    before = gradient()
    with torch.no_grad():
        model.eval()(input_ids=ids)
    after = gradient()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def run_child(folder, base, recipe, attempt, *, die_at=""):
    """Trains in a real process; returns its exit code."""
    job = Job(str(folder), attempt, recipe.as_dict(), str(base), "cpu", os.getpid())
    job.write(folder / "job.json")
    module = "tests.training.dying_child" if die_at else "training.child"
    environment = child_environment() | {"DIE_AT": die_at}
    command = [sys.executable, "-m", module, str(folder / "job.json")]
    return subprocess.run(command, env=environment, capture_output=True).returncode


def write_rows(folder):
    rows = (json.dumps(dataclasses.asdict(row)) for row in EXAMPLE_ROWS)
    (folder / EXAMPLES).write_text("\n".join(rows) + "\n")


def test_killed_again_and_again_it_ends_in_the_same_losses_and_weights(
    whole, base, recipe, tmp_path
):
    write_rows(tmp_path)
    for attempt, die_at in enumerate(["metric:3", "seal:6", "checkpoint:8"], start=1):
        code = run_child(tmp_path, base, recipe, attempt, die_at=die_at)
        assert code == -signal.SIGKILL
    assert run_child(tmp_path, base, recipe, 4) == 0
    events = [json.loads(text) for text in (tmp_path / EVENTS).read_text().splitlines()]
    assert events[-1]["type"] == "finished"
    resumed = [event["resumed_from"] for event in events if event["type"] == "prepared"]
    assert resumed == [None, 2, 4, 8]
    assert losses_of(events) == whole[0].losses()
    assert losses_of(events, "eval") == whole[0].losses("eval")
    assert hash_files((tmp_path / "adapter").iterdir()) == hash_files(
        (whole[2] / "adapter").iterdir()
    )


def test_a_stopped_run_keeps_a_checkpoint_and_goes_on_to_the_same_losses(
    whole, base, recipe, tmp_path
):
    steps = iter([False, False, True])
    told, outcome = train(recipe, base, tmp_path, should_stop=lambda: next(steps, True))
    assert outcome.is_stopped
    assert told[-1] == {"type": "checkpoint", "step": 3, "kept": [2, 3]}
    rest, outcome = train(recipe, base, tmp_path)
    assert not outcome.is_stopped
    assert {**told.losses(), **rest.losses()} == whole[0].losses()


def test_a_loss_that_is_no_number_ends_the_run(base, recipe, tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    broken = tmp_path / "broken"
    model = AutoModelForCausalLM.from_pretrained(base)
    model.model.norm.weight.data.fill_(float("nan"))
    model.save_pretrained(broken)
    AutoTokenizer.from_pretrained(base).save_pretrained(broken)
    rows = [dataclasses.replace(row, is_eval=False) for row in EXAMPLE_ROWS]
    with pytest.raises(RunFailed) as failure:
        train(recipe, broken, tmp_path / "run", rows=rows)
    assert failure.value.code == "diverged"
    assert not (tmp_path / "run" / "adapter").exists()


def test_examples_that_are_too_long_are_left_out_by_line(base, recipe, tmp_path):
    rows = [*EXAMPLE_ROWS, Conversation(99, turns("x" * 300, "y"))]
    short = dataclasses.replace(recipe, max_steps=1)
    told, _ = train(short, base, tmp_path, rows=rows)
    assert told[0]["facts"]["left_out"] == [99]
    with pytest.raises(RecipeRefused):
        train(dataclasses.replace(recipe, max_length=16), base, tmp_path / "none")


def test_a_base_with_other_layers_is_refused(base, tmp_path, recipe):
    model = load_base(make_base(tmp_path / "x"), recipe, torch.float32, on_cpu=True)
    model.model.layers[1].mlp = torch.nn.Identity()
    with pytest.raises(RecipeRefused, match="1 of 2 layers have a gate_up_proj"):
        attach_adapter(model, recipe)


def test_a_missing_gpu_is_said_plainly(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(RecipeRefused, match="no GPU"):
        choose_device("cuda", "auto")
    assert choose_device("auto", "auto") == (True, torch.float32)
    assert choose_device("auto", "bfloat16") == (True, torch.bfloat16)
