"""What must hold before a start, its variables, and what an earlier start has done already."""

import pytest

from phi3site.bootstrap import SetupError
from phi3site.preparing import Stamp, check_base_model, check_space, site_environment


def test_a_disk_almost_full_is_said(tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 5 * 10**8})
    monkeypatch.setattr("phi3site.preparing.shutil.disk_usage", lambda _path: usage)
    with pytest.raises(SetupError, match=r"Only 0\.5 GB are free") as error:
        check_space(tmp_path)
    assert error.value.code == "disk_full"


def test_a_model_folder_must_be_there_and_a_name_on_the_hub_may_be_anything(tmp_path):
    check_base_model("")
    check_base_model("microsoft/Phi-3-mini-4k-instruct")
    check_base_model(str(tmp_path))
    with pytest.raises(SetupError, match="not there") as error:
        check_base_model(str(tmp_path / "phi3"))
    assert error.value.code == "no_base_model"


def test_a_persons_own_variables_win(tmp_path, monkeypatch):
    monkeypatch.setenv("ALLOWED_HOSTS", "phi3.example")
    env = site_environment("0.0.0.0", tmp_path, {"DATABASE_URL": "postgresql://x"})
    assert env["ALLOWED_HOSTS"] == "phi3.example"
    assert env["DATABASE_URL"] == "postgresql://x"
    assert env["DATA_DIR"] == str(tmp_path)


def test_the_hub_is_left_alone_only_while_every_model_is_here(tmp_path, monkeypatch):
    for name in ("BASE_MODEL", "KNOWLEDGE_ENCODER", "KNOWLEDGE_RERANKER", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    assert site_environment("127.0.0.1", tmp_path, {})["HF_HUB_OFFLINE"] == "1"
    monkeypatch.setenv("BASE_MODEL", "microsoft/Phi-3-mini-4k-instruct")
    assert "HF_HUB_OFFLINE" not in site_environment("127.0.0.1", tmp_path, {})


def test_a_step_is_done_again_only_when_something_changed(tmp_path, monkeypatch):
    monkeypatch.setattr("phi3site.preparing.ROOT", tmp_path)
    files = tmp_path / "chat" / "static"
    files.mkdir(parents=True)
    stamp = Stamp(tmp_path, "static", "**/*", "pins")
    assert not stamp.is_current
    stamp.write()
    assert stamp.is_current
    assert not Stamp(tmp_path, "static", "**/*", "other pins").is_current
    (files / "new.css").touch()
    assert not stamp.is_current
