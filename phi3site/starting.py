"""From an empty data folder to a site that answers: the steps of `manage.py up`.

Starts everything as a process of its own and never loads Django's apps or a model itself.
"""

import http.client
import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from phi3site.bootstrap import ROOT, RUNTIME, SetupError
from phi3site.network import EVERYWHERE, check_free, own_address, url_of
from phi3site.preparing import Stamp, check_base_model, check_space, site_environment
from phi3site.services import Services
from phi3site.supervisor import Child, Supervisor

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
REPORT_SECONDS = 20.0
# The web process of a killed predecessor closes its connections first.
PORT_SECONDS = 4.0
PREPARE_MODEL = (sys.executable, "-m", "chat.engine.demo")
# Written by it last, so the model is whole where this file is.
MODEL_MARK = "demo.json"
ERROR_LINE = re.compile(r"(?!DETAIL|HINT|CONTEXT)[\w.]+: ")


@dataclass(frozen=True)
class Start:
    """What a person may choose about a start."""

    host: str
    port: int
    data_dir: Path
    demo: bool


def run_site(start: Start, tell: Callable[[str], None]) -> None:
    """Starts everything and stays until told to stop; then stops what it started."""
    check_space(start.data_dir)
    check_base_model(os.environ.get("BASE_MODEL", ""))
    os.umask(0o077)
    own = os.environ
    with (
        stop_signals(),
        Services(
            start.data_dir,
            command="manage.py up",
            postgres=not own.get("DATABASE_URL"),
            valkey=not own.get("REDIS_URL"),
        ) as services,
    ):
        check_free(start.host, start.port, patience=PORT_SECONDS)
        supervisor = Supervisor(services.logs, tell)
        try:
            Site(start, services, supervisor, tell).run()
        except KeyboardInterrupt:
            tell("Stopping …")
        finally:
            supervisor.stop()


class Site:
    """One running site: its processes and the order in which they come up."""

    def __init__(
        self,
        start: Start,
        services: Services,
        supervisor: Supervisor,
        tell: Callable[[str], None],
    ) -> None:
        self.start, self.services, self.supervisor, self.tell = start, services, supervisor, tell
        self.env = site_environment(start.host, start.data_dir, services.addresses)
        self.env.setdefault("DEMO", str(start.demo))
        self.model = start.data_dir / "models" / "phi3-demo"

    def run(self) -> None:
        """Comes up, says where, and goes on until interrupted."""
        self.tell(f"Data folder: {self.start.data_dir} (logs in {self.services.logs})")
        model = self._prepare_model()
        migrate = self._migrate()
        self._collect_static()
        if not model:
            self._keep("engine", manage("run_engine"))  # the slowest to come up
        self._keep("web", self._web_command())
        for queue in ("ingestion", "training"):
            self._keep(f"worker-{queue}", manage("run_worker", queue))
        demo = self._load_demo()
        self._finish(migrate, "The database cannot be brought up to date")
        if model:
            self._finish(model, "The demo base model cannot be prepared")
            self._keep("engine", manage("run_engine"))
        self._await_ready()
        self._greet(has_accounts=self._demo_is_there(demo))
        while True:
            self._tend()

    def _prepare_model(self) -> Child | None:
        if self.env.get("BASE_MODEL") or (self.model / MODEL_MARK).exists():
            return None
        self.tell("Preparing the demo base model …")
        return self._task("model", [*PREPARE_MODEL, str(self.model)])

    def _migrate(self) -> Child:
        """Waits for the migrations unless these very ones were applied here before."""
        self.tell("Bringing the database up to date …")
        migrate = self._task("migrate", manage("migrate", "--noinput"))
        stamp = Stamp(self.start.data_dir, "migrations", "*.py", self.env["DATABASE_URL"])
        if not stamp.is_current:
            self._finish(migrate, "The database cannot be brought up to date")
            stamp.write()
        return migrate

    def _collect_static(self) -> None:
        stamp = Stamp(self.start.data_dir, "static", "**/*", (ROOT / RUNTIME).read_text())
        if not (stamp.is_current and (self.start.data_dir / "static").exists()):
            collect = self._task("collectstatic", manage("collectstatic", "--noinput", "--clear"))
            self._finish(collect, "The static files cannot be collected")
            stamp.write()

    def _load_demo(self) -> Child | None:
        if not self.start.demo:
            return None
        self.tell("Loading the demo content …")
        return self._task("demo", manage("load_demo"))

    def _web_command(self) -> list[str]:
        return [
            *(sys.executable, "-m", "uvicorn", "phi3site.asgi:application"),
            *("--host", self.start.host, "--port", str(self.start.port)),
            # Compression would cost 300 KB a socket, and no frame of ours is large.
            *("--ws-per-message-deflate", "false", "--ws-max-size", "65536"),
            *("--timeout-graceful-shutdown", "3", "--no-server-header", "--no-access-log"),
            # Who stands before us is the setting TRUSTED_PROXIES' to say, not a header's.
            "--no-proxy-headers",
        ]

    def _keep(self, name: str, command: list[str]) -> None:
        self.supervisor.start(name, command, env=self.env)

    def _task(self, name: str, command: list[str]) -> Child:
        return self.supervisor.start(name, command, env=self.env, is_task=True)

    def _tend(self) -> None:
        self.supervisor.tend(0.5)
        self.services.revive(self.tell)

    def _finish(self, task: Child, failure: str) -> None:
        """Waits for a task while everything else is looked after."""
        while task.process and task.process.poll() is None:
            self._tend()
        if task.result:
            raise SetupError("task_failed", f"{failure}: {last_words(task)} (log: {task.log})")

    def _await_ready(self) -> None:
        reported = time.monotonic()
        while missing := missing_parts(self.start.host, self.start.port, self.env):
            if time.monotonic() - reported > REPORT_SECONDS:
                self.tell(f"Still waiting for: {', '.join(missing)}")
                reported = time.monotonic()
            self._tend()

    def _demo_is_there(self, demo: Child | None) -> bool:
        """Waits for the demo; without it the site goes on, for it may hold other people's work."""
        try:
            if demo:
                self._finish(demo, "The demo content cannot be loaded")
        except SetupError as error:
            self.tell(str(error))
            return False
        return demo is not None

    def _greet(self, *, has_accounts: bool) -> None:
        self.tell(f"\nReady: {url_of(self.start.host, self.start.port)}")
        if self.start.host in EVERYWHERE and (address := own_address()):
            self.tell(f"From other machines: http://{address}:{self.start.port}/")
        if has_accounts:
            self.tell(self._demo_sign_ins())
        else:
            self.tell("Make the first account: python3 manage.py createsuperuser")
        self.tell("Ctrl-C stops everything.")

    def _demo_sign_ins(self) -> str:
        """The table of demo accounts that the loader printed at the end of its log."""
        return (self.services.logs / "demo.log").read_text().strip().rpartition("\n\n")[2]


def manage(*arguments: str) -> list[str]:
    """The command line of one of our own commands."""
    return [sys.executable, str(ROOT / "manage.py"), *arguments]


def missing_parts(host: str, port: int, env: dict[str, str]) -> list[str]:
    """What /readyz says is missing; an empty list when a question would be answered."""
    name = env["ALLOWED_HOSTS"].split(",")[0].strip().lstrip("*.") or "localhost"
    target = "127.0.0.1" if host in EVERYWHERE else host
    connection = http.client.HTTPConnection(target, port, timeout=5)
    try:
        connection.request("GET", "/readyz", headers={"Host": name, "X-Forwarded-Proto": "https"})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status == 200:
            return []
        return list(json.loads(body)["missing"])
    except (OSError, http.client.HTTPException, ValueError, KeyError):
        return ["web"]
    finally:
        connection.close()


def last_words(task: Child) -> str:
    """The line of a task's log that names the error: in Python the last that reads `Name: text`."""
    lines = task.log.read_text(errors="replace").strip().splitlines()
    errors = [line for line in lines if ERROR_LINE.match(line)]
    return (errors or lines or [f"it ended with status {task.result}"])[-1]


@contextmanager
def stop_signals() -> Iterator[None]:
    """Ctrl-C, SIGTERM and a closed terminal interrupt once; the stopping itself is left alone."""
    before = {number: signal.signal(number, _interrupt) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
