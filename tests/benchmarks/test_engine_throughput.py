"""The benchmark asks alone and together, with and without adapters, and says what it measured."""

import argparse
import re

import pytest

from benchmarks import engine_throughput
from tests.chat.engine.conftest import make_base


@pytest.fixture
def table(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(engine_throughput, "PASSAGES", 1)
    monkeypatch.setattr(engine_throughput, "GIGABYTE", 1 << 22)
    model = make_base(
        tmp_path / "base", max_position_embeddings=8192, original_max_position_embeddings=8192
    )
    options = argparse.Namespace(
        model=model, streams=[1, 2], adapters=[0, 2], tokens=4, in_turn=1, rounds=1,
        int8=False, nf4=False,
    )  # fmt: skip
    engine_throughput.run(tmp_path, options)
    return capsys.readouterr().out


def test_each_way_has_a_row_with_its_ratio(table):
    rows = re.findall(r"^(model\.generate.*?|\d streams.*?) {2,}.*?([\d.]+) x$", table, re.M)
    assert [name for name, _ in rows] == [
        "model.generate, 1 in turn", "1 streams", "2 streams", "2 streams, 2 adapters",
    ]  # fmt: skip
    assert all(float(ratio) > 0 for _, ratio in rows)


def test_follow_up_and_bandwidth_are_told(table):
    assert re.search(r"cold \d+\.\d\d s, follow-up \d+\.\d\d s", table)
    assert re.search(r"ms per token, \d+% of the memory's bandwidth", table)
