import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import parser_corpus
from benchmarks.parser_corpus import DIED, Outcome, faults, files_of, report, try_file
from knowledge.errors import KnowledgeError

SCRIPT = Path(parser_corpus.__file__)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.md").write_text("# Pump\n\nChange the seal.")
    (tmp_path / "b.exe").write_bytes(b"MZ\x90\x00")
    (tmp_path / "c.pdf").write_bytes(b"%PDF-1.7 nothing more")
    (tmp_path / "d.txt").write_text(" \n")
    return tmp_path


def test_each_file_of_a_folder_gets_a_named_outcome(folder, tmp_path):
    out = folder.parent / "outcomes.jsonl"
    run = subprocess.run(
        [sys.executable, SCRIPT, folder, "--json", out], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    found = {o["path"]: o["outcome"] for o in map(json.loads, out.read_text().splitlines())}
    assert found == {
        "deep/a.md": "ready",
        "b.exe": "refused: type_unknown",
        "c.pdf": "failed: file_damaged",
        "d.txt": "no text",
    }
    assert "4 files" in run.stdout and "faults: none" in run.stdout


def test_a_manifest_says_which_files_count(folder):
    (folder / "manifest.jsonl").write_text('{"path": "d.txt"}\n')
    assert files_of(folder) == [folder / "d.txt"]


def test_a_worker_that_dies_is_a_fault(folder, monkeypatch):
    monkeypatch.setattr(parser_corpus, "_outcome", lambda _path: os._exit(9))
    outcome = try_file(folder / "d.txt", folder)
    assert outcome.outcome == DIED
    assert list(faults([outcome], 30, 512)) == ["d.txt: worker died"]


@pytest.mark.parametrize("error", [KnowledgeError("Something."), ZeroDivisionError("x")])
def test_what_has_no_name_of_its_own_is_a_fault(folder, monkeypatch, error):
    def detect(_path, _name):
        raise error

    monkeypatch.setattr(parser_corpus, "detect", detect)
    assert len(list(faults([try_file(folder / "d.txt", folder)], 30, 512))) == 1


def test_what_takes_more_than_it_may_is_a_fault():
    slow = Outcome("a.pdf", "pdf", "ready", seconds=40.0)
    large = Outcome("b.pdf", "pdf", "ready", megabytes=600)
    found = list(faults([slow, large, Outcome("c.pdf", "pdf", "ready")], 30, 512))
    assert [line.split(":")[0] for line in found] == ["a.pdf", "b.pdf"]
    assert any("2 files" in line for line in report([slow, large]))
