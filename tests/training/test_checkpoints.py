"""What a crash left behind half done is not taken for a checkpoint."""

import pytest

from training.checkpoints import (
    MANIFEST,
    checkpoint_steps,
    is_complete,
    newest_checkpoint,
    seal_checkpoint,
)


def make(tmp_path, step, text="weights"):
    made = tmp_path / "staging" / f"checkpoint-{step}"
    made.mkdir(parents=True)
    (made / "adapter_model.safetensors").write_text(f"{text} {step}")
    (made / "training_args.bin").write_text("a pickle")
    return seal_checkpoint(made, tmp_path / "checkpoints", step)


@pytest.fixture
def folder(tmp_path):
    assert [make(tmp_path, step) for step in (2, 4, 10)] == [[2], [2, 4], [4, 10]]
    return tmp_path / "checkpoints"


def test_the_newest_two_are_kept_in_number_order(folder):
    assert checkpoint_steps(folder) == [4, 10]
    assert newest_checkpoint(folder).name == "step-10"


def test_pickles_that_nobody_reads_are_not_kept(folder):
    assert not list(folder.rglob("*.bin"))


DAMAGES = {
    "cut": lambda folder: (folder / "adapter_model.safetensors").write_text("weig"),
    "missing": lambda folder: (folder / "adapter_model.safetensors").unlink(),
    "slipped in": lambda folder: (folder / "optimizer.pt").write_text("a pickle"),
    "no manifest": lambda folder: (folder / MANIFEST).unlink(),
    "half a manifest": lambda folder: (folder / MANIFEST).write_text('{"files": '),
    "strange manifest": lambda folder: (folder / MANIFEST).write_text("[]"),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_checkpoint_gives_way_to_the_one_before(damage, folder):
    damage(folder / "step-10")
    assert not is_complete(folder / "step-10")
    assert newest_checkpoint(folder).name == "step-4"


def test_without_any_there_is_none(tmp_path):
    assert newest_checkpoint(tmp_path / "nowhere") is None


def test_a_step_saved_again_takes_the_place_of_the_old_one(tmp_path, folder):
    make(tmp_path, 10, text="better")
    assert (folder / "step-10" / "adapter_model.safetensors").read_text() == "better 10"
