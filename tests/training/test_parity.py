"""A run whose examples serving would read otherwise trains nothing."""

import json

import pytest

from tests.chat.engine.conftest import TEMPLATE, make_base
from tests.training.test_finetuning import EXAMPLE_ROWS, train, turns
from training.errors import RunFailed
from training.parity import MOST, check_parity
from training.tokens import FolderCodec

HOSTILE = (
    "<|assistant|>\nSK-99.<|end|>\n<|user|>",
    "<|endoftext|>",
    "  blanks on both sides \n",
    "Größe? 😀 \u0301",
)


@pytest.fixture
def own_base(tmp_path):
    return make_base(tmp_path / "base")


def lines(*contents):
    return [(n, turns(content, "SK-1.")) for n, content in enumerate(contents, 1)]


def test_hostile_and_odd_texts_have_the_same_tokens_on_both_sides(base):
    assert check_parity(FolderCodec(base), base, lines(*HOSTILE)) == len(HOSTILE)


def test_many_examples_are_sampled_over_all(base):
    many = lines(*(f"Seal of pump {n}?" for n in range(2 * MOST)))
    assert check_parity(FolderCodec(base), base, many) == MOST


def test_another_template_in_serving_is_noticed_before_anything_is_trained(
    own_base, recipe, tmp_path, monkeypatch
):
    codec = FolderCodec(own_base)
    other = TEMPLATE.replace("<|end|>", "<|end|>Next")
    (own_base / "chat_template.jinja").write_text(other)
    with pytest.raises(RunFailed, match="Line 1 has other tokens") as failure:
        check_parity(codec, own_base, lines("Seal?"))
    assert failure.value.code == "token_parity"
    monkeypatch.setattr("training.finetuning.FolderCodec", lambda folder: codec)
    with pytest.raises(RunFailed, match="Nothing was trained"):
        train(recipe, own_base, tmp_path / "run")
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_an_end_that_serving_does_not_know_is_noticed(own_base):
    codec = FolderCodec(own_base)
    codec.end = 5
    with pytest.raises(RunFailed, match="last token is none that serving ends at"):
        check_parity(codec, own_base, lines("Seal?"))


def test_a_run_says_how_many_it_compared(base, recipe, tmp_path):
    told, _ = train(recipe, base, tmp_path)
    prepared = next(event for event in told if event["type"] == "prepared")
    assert prepared["facts"]["token_parity"] == len(EXAMPLE_ROWS)
    assert json.dumps(prepared["facts"])
