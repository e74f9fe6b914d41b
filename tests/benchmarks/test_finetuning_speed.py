"""The ways that are compared learn the same from the same examples."""

import argparse
import json

import pytest

from benchmarks import finetuning_speed
from tests.chat.engine.conftest import make_base

# Of very different lengths, so that padding would show.
LINES = [("Seal?", "SK-1."), ("What is the seal kit of the Heron pump in the long list?", "SK-17.")]


@pytest.fixture(scope="module")
def options(tmp_path_factory):
    folder = tmp_path_factory.mktemp("speed")
    dataset = folder / "dataset.jsonl"
    rows = [
        {"messages": [{"role": "user", "content": q}, {"role": "assistant", "content": a}]}
        for q, a in LINES * 8
    ]
    dataset.write_text("\n".join(map(json.dumps, rows)) + "\n")
    return argparse.Namespace(
        model=make_base(folder / "base"), dataset=dataset, steps=3, batch=4, max_length=256
    )


@pytest.fixture(scope="module")
def rows(options):
    return {
        way: finetuning_speed.measure(way, options)
        for way in ("plain peft + Trainer", "LoRA, padded", "LoRA, packed")
    }


def test_every_way_learns_the_same(rows):
    plain = rows["plain peft + Trainer"]["loss"]
    assert rows["LoRA, padded"]["loss"] == pytest.approx(plain, rel=1e-3)
    assert rows["LoRA, packed"]["loss"] == pytest.approx(plain, rel=1e-3)


def test_tokens_are_counted_without_padding(rows):
    ratios = {round(row["tokens"] / row["examples"], 3) for row in rows.values()}
    assert len(ratios) == 1


def test_the_table_compares_with_the_plain_script(rows, options, capsys):
    finetuning_speed.print_table(list(rows.values()), finetuning_speed.weights_of(options.model))
    lines = capsys.readouterr().out.splitlines()
    assert "1.00 x" in next(line for line in lines if line.startswith("plain"))
    assert "MFU" not in lines[-1]
    row = {**rows["LoRA, packed"], "device": "NVIDIA H200", "tokens": 20_000.0}
    finetuning_speed.print_table([row], 3_700_000_000)
    assert "MFU 30%" in capsys.readouterr().out
