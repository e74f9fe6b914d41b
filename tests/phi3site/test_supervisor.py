"""Real child processes: kept alive, stopped in order, and never left behind."""

import os
import select
import signal
import subprocess
import sys
import time

import pytest

from phi3site.bootstrap import ROOT
from phi3site.processes import MARK, is_running, marked
from phi3site.supervisor import LONGEST_PAUSE, Supervisor

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
# Starts a child in a session of its own, as a job may, and tells its number.
PARENT = [
    sys.executable,
    "-c",
    "import subprocess, sys, time\n"
    "child = subprocess.Popen(['sleep', '600'], start_new_session=True)\n"
    "print(child.pid, flush=True)\n"
    "time.sleep(600)",
]
WHOLE = """
import os, pathlib, sys
from phi3site.supervisor import Supervisor
supervisor = Supervisor(pathlib.Path(sys.argv[1]), print)
supervisor.start("parent", eval(sys.argv[2]), env=dict(os.environ))
while True:
    supervisor.tend(0.1)
    print(supervisor.token, supervisor.children["parent"].process.pid, flush=True)
"""


@pytest.fixture
def said():
    return []


@pytest.fixture
def supervisor(tmp_path, said):
    supervisor = Supervisor(tmp_path, said.append)
    yield supervisor
    supervisor.stop()


def tend_until(supervisor, condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        supervisor.tend(0.05)


def wait_for_end(pid):
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    ended = select.select([descriptor], [], [], 20)[0]
    os.close(descriptor)
    assert ended, f"process {pid} goes on"


def grandchild(supervisor, name="parent"):
    log = supervisor.children[name].log
    tend_until(supervisor, lambda: log.exists() and log.read_text().strip())
    return int(log.read_text().split()[-1])


def test_a_killed_child_is_started_again(supervisor, said):
    child = supervisor.start("web", SLEEP, env=dict(os.environ))
    first = child.process.pid
    os.kill(first, signal.SIGKILL)
    tend_until(supervisor, lambda: child.process.pid != first)
    assert child.process.poll() is None
    assert "web ended (signal 9)" in said[0]
    assert str(child.log) in said[0]


def test_its_first_pause_is_well_below_a_second_and_the_next_ones_grow(supervisor, said):
    child = supervisor.start("web", [sys.executable, "-c", "raise SystemExit(3)"], env={})
    tend_until(supervisor, lambda: len(said) >= 3)
    pauses = [float(line.split(" in ")[1].split(" s ")[0]) for line in said[:3]]
    assert pauses == [0.25, 0.5, 1.0]
    assert "status 3" in said[0]
    assert child.pause <= LONGEST_PAUSE


def test_a_long_good_run_forgets_earlier_failures(supervisor, said):
    child = supervisor.start("web", SLEEP, env=dict(os.environ))
    child.pause, child.started = LONGEST_PAUSE, time.monotonic() - 3600
    child.process.kill()
    tend_until(supervisor, lambda: said)
    assert "in 0.25 s" in said[0]


def test_what_a_killed_child_left_is_ended_before_its_successor_starts(supervisor):
    child = supervisor.start("parent", PARENT, env=dict(os.environ))
    left = grandchild(supervisor)
    first = child.process.pid
    os.kill(first, signal.SIGKILL)
    tend_until(supervisor, lambda: child.process.pid != first)
    wait_for_end(left)


def test_a_task_runs_once_and_tells_its_result(supervisor, said):
    good = supervisor.start("good", ["true"], env={}, is_task=True)
    bad = supervisor.start("bad", ["false"], env={}, is_task=True)
    tend_until(supervisor, lambda: None not in (good.process.poll(), bad.process.poll()))
    supervisor.tend(0)
    assert (good.result, bad.result, said) == (0, 1, [])


def test_output_goes_to_the_childs_own_log(supervisor, tmp_path):
    child = supervisor.start("talker", ["echo", "hello"], env={}, is_task=True)
    child.process.wait()
    assert (tmp_path / "talker.log").read_text() == "hello\n"


def test_a_huge_log_is_put_aside(supervisor, tmp_path, monkeypatch):
    monkeypatch.setattr("phi3site.processes.LARGEST_LOG", 4)
    (tmp_path / "talker.log").write_text("long ago")
    supervisor.start("talker", ["echo", "hello"], env={}, is_task=True).process.wait()
    assert (tmp_path / "talker.log").read_text() == "hello\n"
    assert (tmp_path / "talker.log.1").read_text() == "long ago"


def test_stop_ends_children_and_grandchildren_and_nothing_else(tmp_path):
    stranger = subprocess.Popen(["sleep", "600"], start_new_session=True)
    supervisor = Supervisor(tmp_path, print)
    child = supervisor.start("parent", PARENT, env=dict(os.environ))
    left = grandchild(supervisor)
    supervisor.stop()
    assert child.process.returncode == -signal.SIGTERM
    wait_for_end(left)
    assert marked(f"{supervisor.token}/") == []
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_a_child_that_ignores_sigterm_is_killed(supervisor, monkeypatch):
    monkeypatch.setattr("phi3site.supervisor.STOP_SECONDS", 0.2)
    stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True)"
    command = [sys.executable, "-c", f"{stubborn}; time.sleep(600)"]
    child = supervisor.start("stubborn", command, env=dict(os.environ))
    tend_until(supervisor, lambda: "deaf" in child.log.read_text())
    supervisor.stop()
    assert child.process.returncode == -signal.SIGKILL


def test_nothing_outlives_a_supervisor_killed_with_sigkill(tmp_path):
    whole = subprocess.Popen(
        [sys.executable, "-c", WHOLE, str(tmp_path), repr(PARENT)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    token, child = whole.stdout.readline().split()
    log = tmp_path / "parent.log"
    while not log.read_text().strip():
        whole.stdout.readline()
    left = int(log.read_text())
    assert is_running(left, "sleep")
    whole.kill()
    whole.communicate()
    wait_for_end(int(child))
    wait_for_end(left)
    assert marked(f"{token}/") == []


def test_children_carry_the_mark_of_their_supervisor(supervisor):
    child = supervisor.start("web", SLEEP, env=dict(os.environ))
    assert child.env[MARK].startswith(supervisor.token)
    assert marked(f"{supervisor.token}/web/") == [child.process.pid]
