"""The real site as processes of their own, for tests that drive a browser.

Has a database, a Valkey database and a data folder of its own, so that a worker of this site never
takes a question or a job of another test. Knows no page.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis
from psycopg import sql

from phi3site.processes import die_with_parent

ROOT = Path(__file__).resolve().parents[2]
# Valkey has 16 databases; the unit tests use one of the first eight.
VALKEY_DATABASES = 16
# Generous everywhere: what is tested is what happens, not how fast on a crowded machine.
START_SECONDS = 240


def other_database(url, name):
    """The same server, another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def other_valkey(url):
    """The same server, the database half the range further."""
    start, number = re.fullmatch(r"(.*?)(?:(?:/|[?]db=)(\d+))?", url).groups()
    number = (int(number or 0) + VALKEY_DATABASES // 2) % VALKEY_DATABASES
    return f"{start}?db={number}" if start.startswith("unix:") else f"{start}/{number}"


def create_database(url, name):
    with psycopg.connect(other_database(url, "postgres"), autocommit=True) as connection:
        quoted = sql.Identifier(name)
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(quoted))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(quoted))


def empty_valkey(url):
    with redis.Redis.from_url(url) as valkey:
        valkey.flushdb()


def free_port():
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class LiveSite:
    """Starts, kills and restarts the site's processes by name."""

    def __init__(self, folder, database_url, redis_url, **settings):
        self.folder, self.port, self.processes = folder, free_port(), {}
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "phi3site.settings",
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "DATA_DIR": str(folder / "data"),
            "SECRET_KEY": "only-for-the-browser-tests",
            "ALLOWED_HOSTS": "127.0.0.1",
            "CSRF_TRUSTED_ORIGINS": self.url,
            "DEBUG": "",
            "OMP_NUM_THREADS": "1",
            "OMP_WAIT_POLICY": "PASSIVE",
            **settings,
        }

    def command(self, *arguments):
        """Runs one of Django's commands to its end; its output is the error's text."""
        return self.run("django", *arguments)

    def run(self, module, *arguments):
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, f"{module} {arguments}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def start(self, name, module, *arguments):
        log = (self.folder / f"{name}.log").open("ab")
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            env=self.env,
            stdout=log,
            stderr=subprocess.STDOUT,
            preexec_fn=die_with_parent(signal.SIGKILL),
        )
        self.processes[name] = process

    def start_web(self):
        web = ("phi3site.asgi:application", "--port", str(self.port), "--log-level", "warning")
        self.start("web", "uvicorn", *web, "--ws-per-message-deflate", "false")
        self.wait_for("/healthz")

    def start_engine(self):
        self.start("engine", "django", "run_engine")

    def start_workers(self, *queues):
        for queue in queues or ("ingestion", "training"):
            self.start(queue, "django", "run_worker", queue)

    def wait_for(self, path):
        """Until the address answers 200; says what the processes logged if it never does."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            dead = [name for name, process in self.processes.items() if process.poll() is not None]
            assert not dead, f"{dead} died:\n{self.logs()}"
            try:
                with urllib.request.urlopen(self.url + path, timeout=5) as response:
                    if response.status == 200:
                        return
            except (urllib.error.URLError, TimeoutError):
                pass
            # No event tells that another process listens; asking again is all one can do.
            time.sleep(0.1)
        raise AssertionError(f"{path} never answered 200:\n{self.logs()}")

    def logs(self):
        tails = (log.read_text(errors="replace")[-4000:] for log in self.folder.glob("*.log"))
        return "\n".join(tails)

    def end(self, name, how=signal.SIGTERM):
        process = self.processes.pop(name)
        process.send_signal(how)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def close(self):
        for name in list(self.processes):
            self.end(name)
