"""What the site refuses to start with."""

import os
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from phi3site.refusals import refusals
from phi3site.settings import database, env_bool, env_int, env_list

GOOD = {
    "debug": False,
    "secret_key": "k3y-" + "abcdefghijklmnopqrstuvwxyz0123456789" * 2,
    "hosts": ["phi3.example.com"],
    "redis_url": "redis://:secret@valkey.example.com:6379/0",
    "https_only": True,
}


def test_sound_settings_are_accepted():
    assert refusals(**GOOD) == []


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"secret_key": ""}, "SECRET_KEY"),
        ({"secret_key": "short"}, "SECRET_KEY"),
        ({"secret_key": "a" * 80}, "SECRET_KEY"),
        ({"secret_key": "insecure-key-for-development-only"}, "SECRET_KEY"),
        ({"debug": True, "https_only": False}, "DEBUG"),
        ({"hosts": ["*"]}, "ALLOWED_HOSTS"),
        ({"redis_url": "redis://valkey.example.com:6379/0"}, "REDIS_URL"),
        ({"redis_url": "redis://10.0.0.5/0"}, "REDIS_URL"),
    ],
)
def test_what_would_stand_open_is_refused_by_name(change, word):
    found = refusals(**{**GOOD, **change})
    assert len(found) == 1
    assert word in found[0]


def test_all_reasons_are_told_at_once():
    bad = {"secret_key": "", "hosts": ["*"], "redis_url": "redis://10.0.0.5/0"}
    assert len(refusals(**{**GOOD, **bad})) == 3


@pytest.mark.parametrize(
    "url",
    [
        "unix:///run/valkey.sock?db=1",
        "redis://127.0.0.1:6379/0",
        "redis://localhost/0",
        "redis://[::1]:6379/0",
        "redis://10.0.0.5/0?password=secret",
    ],
)
def test_valkey_at_home_or_behind_a_password_is_accepted(url):
    assert refusals(**{**GOOD, "redis_url": url}) == []


def test_development_at_home_needs_no_key():
    home = {"debug": True, "secret_key": "", "hosts": ["localhost"], "https_only": False}
    assert refusals(**{**GOOD, **home}) == []


def start(**variables):
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "django", "check", "--deploy", "--fail-level", "WARNING"],
        env={**kept, "DJANGO_SETTINGS_MODULE": "phi3site.settings", **variables},
        capture_output=True,
        text=True,
        check=False,
    )


PRODUCTION = {
    "SECRET_KEY": GOOD["secret_key"],
    "ALLOWED_HOSTS": "phi3.example.com",
    "HTTPS_ONLY": "1",
    "REDIS_URL": GOOD["redis_url"],
}


def test_check_for_deployment_is_clean_in_production(tmp_path):
    outcome = start(**PRODUCTION, DATA_DIR=str(tmp_path))
    assert outcome.returncode == 0, outcome.stderr
    assert "no issues" in outcome.stdout


def test_process_does_not_start_with_what_is_refused(tmp_path):
    outcome = start(**{**PRODUCTION, "DEBUG": "1", "DATA_DIR": str(tmp_path)})
    assert outcome.returncode != 0
    assert "ImproperlyConfigured" in outcome.stderr
    assert "DEBUG shows secrets" in outcome.stderr


def test_helpers_read_the_environment(monkeypatch):
    monkeypatch.setenv("ONE", " yes ")
    monkeypatch.setenv("TWO", " a, ,b ")
    monkeypatch.setenv("THREE", "3x")
    assert env_bool("ONE")
    assert not env_bool("NONE")
    assert env_list("TWO") == ["a", "b"]
    assert env_int("NONE", 7) == 7
    with pytest.raises(ImproperlyConfigured, match="THREE"):
        env_int("THREE", 1)


def test_database_may_be_reached_by_socket_or_address():
    socket = database("postgresql://postgres@/phi3?host=/run/postgres")
    assert (socket["HOST"], socket["NAME"], socket["USER"]) == ("/run/postgres", "phi3", "postgres")
    address = database("postgresql://app:p%40ss@db.example.com:5433/phi3")
    assert (address["HOST"], address["PORT"]) == ("db.example.com", "5433")
    assert address["PASSWORD"] == "p@ss"
