"""The whole site by `manage.py up`, with every process real and the engine that needs no model."""

import http.client
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest

from phi3site.bootstrap import ROOT
from phi3site.processes import MARK, marked
from phi3site.starting import (
    last_words,
    missing_parts,
)
from phi3site.supervisor import Child

PATIENCE = 120
HOST = {"ALLOWED_HOSTS": "localhost"}
PROGRAMS = {"web", "engine", "worker-ingestion", "worker-training"}


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def environment(**variables):
    """As on a fresh machine: the embedded services, not those that these tests run on."""
    dropped = {"DATABASE_URL", "REDIS_URL", "DATA_DIR", "SECRET_KEY", "ALLOWED_HOSTS"}
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return kept | {"CHAT_ENGINE": "echo", "BASE_MODEL": "echo"} | variables


class Up:
    """A running `up`, its lines read as they come."""

    def __init__(self, data_dir, port):
        self.port, self.seen = port, []
        self.process = subprocess.Popen(
            up_command(data_dir, port),
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self._lines.put(line.rstrip())
        self._lines.put(None)

    def wait_for(self, text):
        """The next line with this text; fails with everything said when none comes."""
        while True:
            try:
                line = self._lines.get(timeout=PATIENCE)
            except queue.Empty:
                line = None
            if line is None:
                pytest.fail(f"{text!r} was not said, but:\n" + "\n".join(self.seen))
            self.seen.append(line)
            if text in line:
                return line

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


def up_command(data_dir, port):
    return [
        *(sys.executable, str(ROOT / "manage.py"), "up", "--no-demo"),
        *("--data-dir", str(data_dir), "--port", str(port)),
    ]


def processes(data_dir, name):
    """Numbers of the supervised processes of that name on that data folder."""
    return [
        pid
        for pid in marked("")
        if f"DATA_DIR={data_dir}" in (words := environ(pid)) and f"/{name}/" in words.get(MARK, "")
    ]


def environ(pid):
    """The variables of a process by name, and each whole as a name too."""
    try:
        text = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace")
    except OSError:
        return {}
    words = text.split("\0")
    return dict.fromkeys(words, "") | dict(w.split("=", 1) for w in words if "=" in w)


def wait_until(condition):
    """Polls what no descriptor tells."""
    pause, deadline = threading.Event(), time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, "it never happened"
        pause.wait(0.1)
    return found


@pytest.fixture(scope="module")
def site(module_folder):
    data_dir = module_folder / "site"
    data_dir.mkdir(mode=0o711)
    site = Up(data_dir, free_port())
    site.data_dir = data_dir
    site.wait_for("Ready: ")
    yield site
    site.stop()


def test_ready_means_that_every_part_answers(site):
    status, body = site.get("/readyz")
    assert status == 200, body
    assert all(part["ok"] for part in json.loads(body)["parts"].values())


def test_it_says_where_and_how_to_begin(site):
    assert f"Ready: http://localhost:{site.port}/" in site.seen
    assert "createsuperuser" in site.wait_for("first account")


def test_the_pages_come_with_their_styles(site):
    status, page = site.get("/sign-in/")
    assert status == 200
    style = page.split('rel="stylesheet" href="')[1].split('"')[0]
    assert site.get(style)[0] == 200


def test_what_is_kept_is_for_the_owner_alone(site):
    assert (site.data_dir / "secret_key").stat().st_mode & 0o077 == 0
    assert (site.data_dir / "logs" / "web.log").stat().st_mode & 0o077 == 0


def test_a_second_up_on_the_same_folder_is_refused_in_one_line(site):
    second = subprocess.run(
        up_command(site.data_dir, free_port()),
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 1
    assert len(second.stderr.splitlines()) == 1
    assert f"in use (manage.py up, process {site.process.pid})" in second.stderr
    assert site.get("/healthz")[0] == 200


def test_a_taken_port_is_refused_in_one_line_and_nothing_stays(data_dir, site):
    second = subprocess.run(
        up_command(data_dir, site.port),
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 1
    assert second.stderr.splitlines() == [
        f"Port {site.port} is taken by another program. Choose another: --port {site.port + 1}"
    ]
    assert not (data_dir / "services" / "run" / "valkey.sock").exists()


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_a_killed_process_comes_back(site, name):
    killed = processes(site.data_dir, name)
    assert len(killed) == 1
    os.kill(killed[0], signal.SIGKILL)
    site.wait_for(f"{name} ended (signal 9)")
    assert wait_until(lambda: processes(site.data_dir, name)) != killed
    assert wait_until(lambda: not missing_parts("127.0.0.1", site.port, HOST))


def test_other_commands_use_the_running_services(site):
    shell = subprocess.run(
        [*up_command(site.data_dir, 0)[:2], "showmigrations", "audit"],
        env=environment(DATA_DIR=str(site.data_dir)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert shell.returncode == 0, shell.stderr
    assert "[X] 0001_initial" in shell.stdout


def test_sigterm_stops_everything_and_a_second_start_has_the_data(site):
    note = json.loads((site.data_dir / "in-use.json").read_text())
    with psycopg.connect(note["DATABASE_URL"]) as postgres:
        postgres.execute("CREATE TABLE kept (word text)")
    assert site.stop() == 0
    assert [name for name in PROGRAMS if processes(site.data_dir, name)] == []
    assert not (site.data_dir / "services" / "postgres" / "postmaster.pid").exists()

    again = Up(site.data_dir, site.port)
    again.wait_for("Ready: ")
    with psycopg.connect(note["DATABASE_URL"]) as postgres:
        postgres.execute("SELECT word FROM kept")
    # And after a kill that nothing can prepare for, a third start has it too.
    again.process.kill()
    again.process.wait()
    third = Up(site.data_dir, site.port)
    third.wait_for("Ready: ")
    with psycopg.connect(note["DATABASE_URL"]) as postgres:
        postgres.execute("SELECT word FROM kept")
    assert wait_until(lambda: keyword_index_is_of_this_start(note["DATABASE_URL"]))
    assert third.stop() == 0


def keyword_index_is_of_this_start(url):
    """The index lives partly in the server's memory: without being made anew it finds nothing."""
    with psycopg.connect(url) as postgres:
        return postgres.execute(
            "SELECT starts_with(obj_description('chunk_bm25'::regclass, 'pg_class'), "
            "extract(epoch FROM pg_postmaster_start_time())::text)"
        ).fetchone()[0]


def test_a_model_folder_that_is_not_there_is_one_line(data_dir):
    failed = subprocess.run(
        up_command(data_dir, free_port()),
        env=environment(BASE_MODEL="/nowhere/phi3"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert failed.returncode == 1
    assert failed.stderr.startswith("BASE_MODEL names a folder that is not there: /nowhere/phi3.")


def test_a_wrong_setting_is_one_line(data_dir):
    failed = subprocess.run(
        up_command(data_dir, free_port()),
        env=environment(ALLOWED_HOSTS="*"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert failed.returncode == 1
    assert failed.stderr.startswith("A setting is wrong: ")
    assert len(failed.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("log", "words"),
    [
        (
            "Traceback (most recent call last):\n  File x\nValueError: no\nDETAIL:  more\n",
            "ValueError: no",
        ),
        ("Loading…\nEverything burned down\n", "Everything burned down"),
        ("", "it ended with status None"),
    ],
)
def test_the_words_that_name_an_error(tmp_path, log, words):
    path = tmp_path / "task.log"
    path.write_text(log)
    assert last_words(Child("task", [], {}, path)) == words


def test_an_unreachable_site_lacks_its_web_process():
    assert missing_parts("127.0.0.1", free_port(), {"ALLOWED_HOSTS": "localhost"}) == ["web"]
