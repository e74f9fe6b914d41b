"""`manage.py test`: its own services and folder, its verdict, and a machine without a browser."""

import psycopg
import pytest
import redis

from phi3site import checking
from phi3site.bootstrap import SetupError


@pytest.fixture
def bare(monkeypatch):
    for name in ("DATABASE_URL", "REDIS_URL", "BASE_MODEL", "CI"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / "phi3-demo"
    folder.mkdir()
    (folder / checking.MODEL_MARK).touch()
    return folder


def test_the_tests_get_services_and_a_folder_that_vanish_afterwards(bare, model):
    with checking.surroundings(model) as env:
        with psycopg.connect(env["DATABASE_URL"]) as postgres:
            assert postgres.execute("SHOW fsync").fetchone() == ("off",)
        assert redis.Redis.from_url(env["REDIS_URL"]).ping()
        assert env["BASE_MODEL"] == str(model)
        folder = checking.Path(env["DATA_DIR"])
        assert folder.is_dir()
    assert not folder.exists()


def test_a_persons_own_servers_and_model_are_used(bare):
    bare.setenv("DATABASE_URL", "postgresql://db.example/phi3")
    bare.setenv("REDIS_URL", "redis://cache.example/0")
    bare.setenv("BASE_MODEL", "/models/phi3")
    with checking.surroundings(checking.Path("/unused")) as env:
        assert env["DATABASE_URL"] == "postgresql://db.example/phi3"
        assert env["BASE_MODEL"] == "/models/phi3"


@pytest.fixture
def tools(bare, monkeypatch):
    """The tools' exit statuses, in place of minutes of work."""
    statuses, ran = {}, []

    def run(name, command, env):
        ran.append((name, command))
        return statuses.get(name, 0)

    monkeypatch.setattr(checking, "_run", run)
    monkeypatch.setattr(checking, "find_browser", lambda: "/usr/bin/chromium")
    bare.setenv("DATABASE_URL", "postgresql://db.example/phi3")
    bare.setenv("REDIS_URL", "redis://cache.example/0")
    return statuses, ran


def test_everything_is_checked_and_pytest_comes_last(tools, model, capsys):
    _statuses, ran = tools
    assert checking.check_everything([], model=model) == 0
    names = [name for name, _command in ran]
    assert names == ["ruff check", "ruff format", "mypy", "migrations", "pytest"]
    assert capsys.readouterr().out.endswith("Everything passed.\n")


def test_one_failure_stops_nothing_and_fails_the_whole(tools, model, capsys):
    statuses, ran = tools
    statuses["mypy"] = 1
    assert checking.check_everything([], model=model) == 1
    assert ran[-1][0] == "pytest"
    assert capsys.readouterr().out.endswith("Failed: mypy\n")


def test_arguments_go_to_pytest_alone(tools, model):
    _statuses, ran = tools
    checking.check_everything(["tests/chat", "-k", "stop"], model=model)
    assert [name for name, _command in ran] == ["pytest"]
    assert ran[0][1][-3:] == ["tests/chat", "-k", "stop"]


def test_without_a_browser_its_tests_are_left_out_and_that_is_said(
    tools, model, monkeypatch, capsys
):
    _statuses, ran = tools
    monkeypatch.setattr(checking, "find_browser", lambda: None)
    checking.check_everything([], model=model)
    assert ran[-1][1][-2:] == ["-m", "not browser"]
    assert "browser tests are left out" in capsys.readouterr().out


def test_in_ci_a_missing_browser_is_a_failure(tools, bare, model, monkeypatch):
    bare.setenv("CI", "true")
    monkeypatch.setattr(checking, "find_browser", lambda: None)
    with pytest.raises(SetupError, match="apt-get install chromium") as error:
        checking.check_everything([], model=model)
    assert error.value.code == "no_browser"


def test_playwrights_own_browser_is_found(bare, tmp_path, monkeypatch):
    monkeypatch.setattr(checking.shutil, "which", lambda _name: None)
    bare.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    assert checking.find_browser() is None
    chrome = tmp_path / "chromium-1200" / "chrome-linux" / "chrome"
    chrome.parent.mkdir(parents=True)
    chrome.touch()
    assert checking.find_browser() == str(chrome)


def test_a_model_that_cannot_be_made_is_said(tools, tmp_path):
    statuses, _ran = tools
    statuses["demo base model"] = 1
    with pytest.raises(SetupError, match="cannot be made") as error:
        checking.check_everything([], model=tmp_path / "none")
    assert error.value.code == "no_model"
