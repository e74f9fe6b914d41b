"""A fresh folder becomes an installation: real venv, real pip, a wheel made on the spot."""

import ast
import errno
import json
import subprocess
import sys
import zipfile

import pytest

from phi3site import bootstrap
from phi3site.bootstrap import DEV, EMBEDDED, ROOT, RUNTIME, SetupError

SCRIPT = f"""
import sys, pathlib
sys.path.insert(0, {str(ROOT)!r})
from phi3site import bootstrap
try:
    bootstrap.enter(sys.argv, root=pathlib.Path(__file__).parent)
except bootstrap.SetupError as error:
    sys.exit(f"{{error.code}}: {{error}}")
import tiny
print(sys.prefix, tiny.VERSION, sys.argv[1:])
"""


def make_wheel(folder, version):
    wheel = folder / f"tiny-{version}-py3-none-any.whl"
    info = f"tiny-{version}.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny.py", f"VERSION = {version!r}\n")
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return wheel


def make_root(folder, requirement=""):
    for name in (RUNTIME, EMBEDDED, DEV):
        (folder / name).write_text("")
    (folder / RUNTIME).write_text(requirement)
    (folder / "start.py").write_text(SCRIPT)
    return folder


def run(root, *arguments, **variables):
    quiet = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(root),
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_RETRIES": "1",
    }
    return subprocess.run(
        [sys.executable, str(root / "start.py"), *arguments],
        env=quiet | variables,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fresh")
    return make_root(folder, f"tiny @ file://{make_wheel(folder, '1.0')}\n")


@pytest.fixture(scope="module")
def first(root):
    return run(root, "up", "--port", "8001")


def test_a_fresh_folder_is_installed_and_entered(root, first):
    assert first.returncode == 0, first.stderr
    assert first.stdout.splitlines()[-1] == f"{root}/.venv 1.0 ['up', '--port', '8001']"
    assert "Making .venv" in first.stdout
    assert f"Installing {RUNTIME}" in first.stdout


def test_the_second_start_installs_nothing(root, first):
    second = run(root, "up")
    assert second.stdout.splitlines() == [f"{root}/.venv 1.0 ['up']"]


def test_requirements_of_the_tests_are_for_the_tests(root, first):
    assert DEV not in first.stdout
    assert f"Installing {DEV}" in run(root, "test").stdout


@pytest.mark.parametrize(("given", "kept"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_threads_wait_without_spinning_unless_told_otherwise(monkeypatch, given, kept):
    monkeypatch.setattr(bootstrap, "outdated", lambda *_: [])
    monkeypatch.setattr(bootstrap.os, "execv", lambda *_: None)
    monkeypatch.setenv("OMP_WAIT_POLICY", given or "")
    if given is None:
        monkeypatch.delenv("OMP_WAIT_POLICY")
    bootstrap.enter(["manage.py", "run_worker"])
    assert bootstrap.os.environ["OMP_WAIT_POLICY"] == kept


def test_only_a_changed_file_is_installed_again(root, first):
    (root / RUNTIME).write_text(f"tiny @ file://{make_wheel(root, '2.0')}\n")
    again = run(root, "up")
    assert f"Installing {RUNTIME}" in again.stdout
    assert EMBEDDED not in again.stdout
    assert "Making .venv" not in again.stdout
    assert again.stdout.splitlines()[-1] == f"{root}/.venv 2.0 ['up']"


def test_a_failed_install_is_one_line_and_leaves_no_stamp(root, first):
    (root / EMBEDDED).write_text("tiny @ file:///nowhere/tiny-3.0-py3-none-any.whl\n")
    failed = run(root, "up")
    assert failed.returncode == 1
    assert failed.stderr.startswith("install_failed: Installing requirements-embedded.txt failed")
    assert len(failed.stderr.splitlines()) == 1
    stamps = json.loads((root / ".venv" / "installed.json").read_text())
    assert stamps[EMBEDDED] != bootstrap._digest(root / EMBEDDED)
    (root / EMBEDDED).write_text("")


def test_a_registry_out_of_reach_is_named(root, first):
    (root / DEV).write_text("no-such-package-here==1.0\n")
    failed = run(root, "test", PIP_INDEX_URL="http://127.0.0.1:9/simple")
    assert failed.returncode == 1
    assert failed.stderr.startswith("no_network: ")
    assert "Check the network" in failed.stderr
    assert len(failed.stderr.splitlines()) == 1
    (root / DEV).write_text("")


def test_a_broken_venv_is_made_anew(root, first):
    (root / ".venv" / "bin" / "python").unlink()
    again = run(root, "up")
    assert "Making .venv" in again.stdout
    assert again.returncode == 0


def test_a_disk_almost_full_is_told_before_anything_is_done(tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 10**9})
    monkeypatch.setattr(bootstrap.shutil, "disk_usage", lambda _path: usage)
    with pytest.raises(SetupError, match=r"Only 1\.0 GB free.*Free at least 4 GB") as error:
        bootstrap.install(make_root(tmp_path), [RUNTIME])
    assert error.value.code == "disk_full"
    assert not (tmp_path / ".venv").exists()


@pytest.mark.parametrize(
    ("output", "code"),
    [
        ("ERROR: Could not install: [Errno 28] No space left on device", "disk_full"),
        ("WARNING: Retrying ... Temporary failure in name resolution\nERROR: none", "no_network"),
        ("ERROR: [Errno 13] Permission denied: '/x'", "not_writable"),
        ("The virtual environment was not created: ensurepip is not available", "no_venv"),
        ("ERROR: something else entirely", "install_failed"),
    ],
)
def test_each_failure_of_pip_has_its_advice(output, code):
    error = bootstrap._explain(output, "It failed")
    assert error.code == code
    assert "\n" not in str(error)


def test_what_a_person_can_mend_is_said_and_the_rest_is_raised():
    full = OSError(errno.ENOSPC, "No space left on device", "/data/x")
    assert "disk is full" in bootstrap.advice(full)
    foreign = PermissionError(errno.EACCES, "Permission denied", "/data/x")
    assert "/data/x" in bootstrap.advice(foreign) and "--data-dir" in bootstrap.advice(foreign)
    assert bootstrap.advice(SetupError("port", "Choose another")) == "Choose another"
    with pytest.raises(OSError, match="Broken pipe"):
        bootstrap.advice(BrokenPipeError(errno.EPIPE, "Broken pipe"))


def test_an_old_python_can_read_manage_py_and_is_told():
    source = (ROOT / "manage.py").read_text()
    ast.parse(source, feature_version=(3, 7))
    code = "import runpy, sys; sys.version_info = (3, 9, 2); sys.argv = ['manage.py', 'up']\n"
    code += "runpy.run_path('manage.py', run_name='__main__')"
    old = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert old.returncode == 1
    assert old.stderr.splitlines() == [
        "Python 3.11 or newer is needed, this is 3.9.2. Run: python3.11 manage.py up"
    ]


def test_every_requirement_is_pinned():
    for name in (RUNTIME, EMBEDDED, DEV):
        lines = [line.partition("#")[0].strip() for line in (ROOT / name).read_text().splitlines()]
        assert [line for line in lines if line and "==" not in line] == []
        assert not [line for line in lines if line.startswith("nvidia")]
