"""Everything that `manage.py test` runs, on services and a data folder made for it alone.

Knows the tools, not the tests: each tool is a process, and its exit status is the verdict.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from phi3site.bootstrap import ROOT, SetupError, tell
from phi3site.processes import die_with_parent
from phi3site.services import Services
from phi3site.starting import MODEL_MARK, PREPARE_MODEL, STOP_SIGNALS, stop_signals

CHECKS: dict[str, tuple[str, ...]] = {
    "ruff check": ("ruff", "check", "."),
    "ruff format": ("ruff", "format", "--check", "."),
    "mypy": ("mypy",),
    "migrations": ("manage.py", "makemigrations", "--check", "--dry-run"),
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def check_everything(arguments: Sequence[str], *, model: Path) -> int:
    """Runs the checks and all tests; with arguments only pytest with them. Returns the status."""
    tests = [*arguments] or ["-ra", "--durations=10"]
    with stop_signals(), surroundings(model) as env:
        failed = [] if arguments else [name for name in CHECKS if run_check(name, env)]
        if _run("pytest", [sys.executable, "-m", "pytest", *tests, *browser_choice(env)], env):
            failed.append("pytest")
    tell(f"Failed: {', '.join(failed)}" if failed else "Everything passed.")
    return 1 if failed else 0


def run_check(name: str, env: Mapping[str, str]) -> int:
    """Runs one of CHECKS; returns its exit status."""
    tool, *arguments = CHECKS[name]
    command = [sys.executable, *([tool] if tool == "manage.py" else ["-m", tool]), *arguments]
    return _run(name, command, env)


def _run(name: str, command: Sequence[str], env: Mapping[str, str]) -> int:
    tell(f"── {name}")
    begun = time.monotonic()
    process = subprocess.Popen(
        command, cwd=ROOT, env=env, preexec_fn=die_with_parent(STOP_SIGNALS[1])
    )
    try:
        status = process.wait()
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        raise
    verdict = "failed" if status else "passed"
    tell(f"── {name} {verdict} in {time.monotonic() - begun:.0f} s")
    return status


@contextmanager
def surroundings(model: Path) -> Iterator[dict[str, str]]:
    """The environment of the tests: their own services, data folder and secret; the real model."""
    folder = Path(tempfile.mkdtemp(prefix="phi3-test-", dir="/tmp"))
    folder.chmod(0o711)  # the account that runs Postgres passes through
    env = {**os.environ, "DATA_DIR": str(folder), "SECRET_KEY": "only-for-tests-" + "x" * 40}
    env.setdefault("BASE_MODEL", str(model))
    env.setdefault("HF_HUB_OFFLINE", "1")
    env.setdefault("TQDM_DISABLE", "1")
    try:
        with Services(
            folder,
            command="manage.py test",
            postgres=not env.get("DATABASE_URL"),
            valkey=not env.get("REDIS_URL"),
            durable=False,
        ) as services:
            if env["BASE_MODEL"] == str(model):
                prepare_model(model, env)
            yield env | services.addresses
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def prepare_model(folder: Path, env: Mapping[str, str]) -> None:
    """Makes the demo base model unless it is there; it is kept for the next time."""
    if (folder / MODEL_MARK).exists():
        return
    if _run("demo base model", [*PREPARE_MODEL, str(folder)], env):
        raise SetupError("no_model", f"The demo base model cannot be made in {folder}: see above.")


def browser_choice(env: dict[str, str]) -> list[str]:
    """Pytest's arguments for the browser tests: they run where there is a browser."""
    if find_browser():
        return []
    if env.get("CI", "").lower() in {"1", "true"}:
        raise SetupError(
            "no_browser",
            "No Chromium is found, and with CI=true the browser tests must run. "
            "Install it: apt-get install chromium",
        )
    tell("No Chromium is found: the browser tests are left out (apt-get install chromium).")
    return ["-m", "not browser"]


def find_browser() -> str | None:
    """The machine's Chromium, else the one that Playwright has downloaded."""
    for name in BROWSERS:
        if path := shutil.which(name):
            return path
    cache = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or "~/.cache/ms-playwright")
    found = sorted(cache.expanduser().glob("chromium-*/chrome-linux*/chrome"))
    return str(found[-1]) if found else None
