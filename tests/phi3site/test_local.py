"""What a command finds in its environment: folder, secret, and the addresses of its services."""

import os
import threading

import pytest

from phi3site import local
from phi3site.bootstrap import ROOT, SetupError
from phi3site.services import Services


@pytest.fixture
def bare(monkeypatch):
    """An environment in which nothing is set yet; whatever is set is taken back."""
    for name in ("DATABASE_URL", "REDIS_URL", "DATA_DIR", "SECRET_KEY"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    return monkeypatch


def test_the_data_folder_is_chosen_by_option_then_variable_then_default(bare, tmp_path):
    bare.setenv("DATA_DIR", str(tmp_path / "by-variable"))
    assert local.data_folder(["manage.py", "up"]) == tmp_path / "by-variable"
    assert (
        local.data_folder(["manage.py", "up", "--data-dir", str(tmp_path / "b")]) == tmp_path / "b"
    )
    assert local.data_folder(["manage.py", "up", f"--data-dir={tmp_path}/c"]) == tmp_path / "c"
    bare.delenv("DATA_DIR")
    assert local.data_folder(["manage.py", "up"]) == ROOT / "data"


def test_a_data_folder_that_cannot_be_made_is_one_line(bare, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SetupError, match=r"cannot be used.*--data-dir") as error:
        local.data_folder(["manage.py", "up", "--data-dir", str(tmp_path / "file" / "data")])
    assert error.value.code == "data_dir"


def test_the_secret_is_made_once_and_is_the_owners_alone(tmp_path):
    secret = local.secret_key(tmp_path)
    assert len(secret) > 60
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600
    assert local.secret_key(tmp_path) == secret


def test_racing_starts_agree_on_one_secret(tmp_path):
    barrier, found = threading.Barrier(8), []

    def make():
        barrier.wait()
        found.append(local.secret_key(tmp_path))

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


@pytest.mark.parametrize("command", ["up", "test", "help", "collectstatic"])
def test_some_commands_start_no_services(bare, tmp_path, command):
    bare.setenv("DATA_DIR", str(tmp_path))
    with local.environment(["manage.py", command]):
        assert os.environ["SECRET_KEY"]
        assert "DATABASE_URL" not in os.environ
    assert not (tmp_path / "services").exists()


def test_a_persons_own_servers_are_used(bare, tmp_path):
    bare.setenv("DATA_DIR", str(tmp_path))
    bare.setenv("DATABASE_URL", "postgresql://db.example/phi3")
    bare.setenv("REDIS_URL", "redis://cache.example/0")
    with local.environment(["manage.py", "migrate"]):
        assert os.environ["DATABASE_URL"] == "postgresql://db.example/phi3"
    assert not (tmp_path / "services").exists()


def test_a_command_starts_only_what_is_missing_and_stops_it_again(bare, data_dir):
    bare.setenv("DATA_DIR", str(data_dir))
    bare.setenv("DATABASE_URL", "postgresql://db.example/phi3")
    with local.environment(["manage.py", "verify_audit"]):
        assert os.environ["REDIS_URL"].startswith("unix://")
        assert (data_dir / "services" / "run" / "valkey.sock").exists()
    assert not (data_dir / "services" / "run" / "valkey.sock").exists()


def test_a_command_uses_the_services_of_the_running_site(bare, data_dir):
    bare.setenv("DATA_DIR", str(data_dir))
    with Services(data_dir, command="manage.py up", durable=False) as services:
        with local.environment(["manage.py", "ask"]):
            assert os.environ["DATABASE_URL"] == services.addresses["DATABASE_URL"]
            assert os.environ["REDIS_URL"] == services.addresses["REDIS_URL"]
        assert all(server.process.poll() is None for server in services.servers)
