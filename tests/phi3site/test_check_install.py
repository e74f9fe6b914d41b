"""`check_install`: what it finds on real services, and what it calls wrong."""

import shutil

import pytest
import redis
from django.core.management import call_command

from phi3site import inspection
from phi3site.inspection import inspect, pgvector_finding, policy_finding
from phi3site.valkey import client


@pytest.fixture
def findings(db, monkeypatch):
    def look():
        return {finding.part: finding for finding in inspect()}

    # Loading torch costs seconds, and what it finds is the machine's affair.
    monkeypatch.setattr(inspection, "_gpu", lambda: inspection.Finding("GPU", "not asked"))
    return look


def test_the_real_services_are_found_and_right(findings):
    found = findings()
    for part in ("Postgres", "pgvector", "Keyword search", "Migrations", "Valkey", "torch"):
        assert found[part].problem == "", found[part]
    assert found["Postgres"].found[:2].isdigit()
    assert "BM25" in found["Keyword search"].found
    assert found["Migrations"].found == "applied"


@pytest.mark.parametrize(
    ("number", "is_absent", "problem"),
    [
        ("0.8.6", False, ""),
        ("0.8.4", False, ""),
        ("0.10.0", False, ""),
        ("0.8.1", False, "0.8.4 or newer"),
        ("0.8.6", True, "manage.py migrate"),
        ("", True, "Install the extension"),
    ],
)
def test_pgvector_has_a_floor(number, is_absent, problem):
    finding = pgvector_finding(number, is_absent)
    assert problem in finding.problem
    assert bool(problem) == bool(finding.problem)


def test_a_server_that_throws_keys_away_is_wrong(findings):
    assert policy_finding("noeviction").problem == ""
    before = client().config_get("maxmemory-policy")["maxmemory-policy"]
    try:
        client().config_set("maxmemory-policy", "allkeys-lru")
        assert "noeviction" in findings()["Eviction policy"].problem
    finally:
        client().config_set("maxmemory-policy", before)


def test_services_that_are_away_are_findings_too(findings, monkeypatch):
    away = redis.Redis(unix_socket_path="/nowhere/valkey.sock")
    monkeypatch.setattr(inspection, "client", lambda: away)
    parameters = {"host": "/nowhere", "dbname": "none"}
    monkeypatch.setattr(
        "phi3site.health.connection.get_connection_params", lambda: dict(parameters)
    )
    found = findings()
    assert "REDIS_URL" in found["Valkey"].problem
    assert "DATABASE_URL" in found["Postgres"].problem
    assert found["torch"].problem == ""


def test_a_valkey_open_to_the_network_is_wrong(settings):
    for url, is_open in [
        ("redis://cache.example/0", True),
        ("redis://:secret@cache.example/0", False),
        ("redis://localhost/0", False),
        ("unix:///run/valkey.sock", False),
    ]:
        settings.REDIS_URL = url
        assert bool(inspection._open_valkey()) == is_open, url


def test_a_base_model_that_is_not_there_is_wrong(findings, settings, tmp_path):
    settings.BASE_MODEL = str(tmp_path / "nothing")
    assert "BASE_MODEL" in findings()["Base model"].problem
    (tmp_path / "nothing").mkdir()
    assert "cannot be read" in findings()["Base model"].problem


def test_a_base_model_is_named_by_its_fingerprint(findings, settings, tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    (tmp_path / "config.json").write_text("{}")
    settings.BASE_MODEL = str(tmp_path)
    first = findings()["Base model"]
    assert first.problem == ""
    (tmp_path / "model.safetensors").write_bytes(b"other weights")
    assert findings()["Base model"].found != first.found


def test_a_model_of_the_hub_is_no_problem(findings, settings):
    settings.BASE_MODEL = "microsoft/Phi-3-mini-4k-instruct"
    assert findings()["Base model"].problem == ""


def test_a_full_disk_is_wrong(findings, monkeypatch):
    usage = type("Usage", (), {"free": 10**8})
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)
    assert "Free at least" in findings()["Data folder"].problem


def test_the_command_ends_with_1_when_something_is_wrong(findings, settings, capsys):
    settings.BASE_MODEL = "/nowhere/at/all"
    with pytest.raises(SystemExit) as ended:
        call_command("check_install")
    assert ended.value.code == 1
    shown = capsys.readouterr().out
    assert "✗ Base model" in shown and "→" in shown and "1 to mend." in shown


def test_the_command_is_content_when_all_is_well(findings, settings, capsys):
    settings.BASE_MODEL = "microsoft/Phi-3-mini-4k-instruct"
    call_command("check_install")
    assert "Nothing is wrong." in capsys.readouterr().out
