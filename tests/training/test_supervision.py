"""A run is carried out by a real process, and survives what happens to it."""

import os
import select
import subprocess
import sys

import pytest

from chat.models import Adapter
from phi3site.audit.models import AuditEvent
from training import launching, supervision
from training.child import explain
from training.launching import child_environment, effective_recipe, halve_batch
from training.models import Run
from training.progress import Ledger
from training.reports import log_tail, report_on
from training.runs import cancel_run, claim_run
from training.supervision import device_lock
from training.tasks import execute_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def dying(monkeypatch):
    """The first training process kills itself in the middle; its successors are sound."""
    monkeypatch.setenv("DIE_AT", "metric:5")
    modules = iter(["tests.training.dying_child"])
    launch = launching.launch

    def launch_dying(*args):
        monkeypatch.setattr(launching, "CHILD", next(modules, "training.child"))
        return launch(*args)

    monkeypatch.setattr(supervision, "launch", launch_dying)


def test_a_killed_training_process_is_taken_up_again_and_ends_in_an_adapter(run, dying, tiny):
    execute_run(str(run.pk))
    run.refresh_from_db()
    assert (run.status, run.error) == (Run.Status.FINISHED, "")
    assert (run.attempt, run.restarts, run.step) == (2, 1, 8)
    train = run.metrics.filter(kind="train").values_list("step", flat=True)
    assert list(train) == list(range(1, 9))
    adapter = Adapter.objects.get(run_id=run.pk)
    assert adapter.base_fingerprint == run.facts["base_fingerprint"]
    assert adapter.metrics["loss"] < adapter.metrics["first_loss"]
    assert list(run.checkpoints.values_list("step", flat=True)) == [6, 8]
    report = report_on(run)
    assert report.percent == 100
    assert len(report.curve.checkpoints) == 2
    actions = list(AuditEvent.objects.order_by("seq").values_list("action", flat=True))
    assert actions[-4:] == ["run.queued", "run.started", "adapter.registered", "run.finished"]
    assert "attempt 2" in log_tail(run)


def test_a_cancelled_run_stops_with_a_checkpoint(run, admin, monkeypatch):
    Run.objects.filter(pk=run.pk).update(recipe={**run.recipe, "max_steps": 100_000})
    store = Ledger.store

    def store_and_cancel(ledger):
        if ledger.run.step:
            cancel_run(Run.objects.get(pk=run.pk), actor=admin)
        return store(ledger)

    monkeypatch.setattr(Ledger, "store", store_and_cancel)
    execute_run(str(run.pk))
    run.refresh_from_db()
    assert run.status == Run.Status.CANCELLED
    assert 0 < run.step < 100_000
    assert run.checkpoints.exists()
    assert not Adapter.objects.exists()


def test_a_run_that_fails_says_why(run, settings):
    settings.TRAINING_DEVICE = "cuda"
    execute_run(str(run.pk))
    run.refresh_from_db()
    assert run.status == Run.Status.FAILED
    assert "no GPU" in run.error
    assert AuditEvent.objects.filter(action="run.failed").count() == 1


def test_a_base_model_that_was_exchanged_is_noticed(run):
    Run.objects.filter(pk=run.pk).update(facts={"base_fingerprint": "of another model"})
    execute_run(str(run.pk))
    run.refresh_from_db()
    assert run.error_code == "base_model_changed"


def test_two_runs_never_train_at_once(run):
    with device_lock() as first:
        assert first is not None
        execute_run(str(run.pk))
    run.refresh_from_db()
    assert (run.status, run.attempt) == (Run.Status.QUEUED, 0)


def test_the_lock_of_the_device_lasts_as_long_as_the_training_process(run):
    with device_lock() as lock:
        command = [sys.executable, "-c", "input()"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=(lock.fileno(),))
    with device_lock() as second:
        assert second is None
    process.communicate(b"\n")
    with device_lock() as third:
        assert third is not None


def test_a_batch_too_large_is_halved_with_the_same_effective_batch(run):
    held = claim_run(run.pk)
    assert halve_batch(held)
    recipe = effective_recipe(Run.objects.get(pk=run.pk))
    assert (recipe.per_device_train_batch_size, recipe.gradient_accumulation_steps) == (2, 2)
    assert halve_batch(held)
    assert not halve_batch(held)


def test_the_training_process_knows_no_secret(monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "s3cret")
    monkeypatch.setenv("DATABASE_URL", "postgresql://s3cret")
    environment = child_environment()
    assert "s3cret" not in " ".join(environment.values())
    assert environment["HF_HUB_OFFLINE"] == "1"


PARENT = """
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", '''
import os, sys
from training.child import die_with_parent
die_with_parent(%d)
print(os.getpid(), flush=True)
sys.stdin.read()
''' % os.getpid()])
child.wait()
"""


def test_the_training_process_dies_with_its_worker():
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    child = os.pidfd_open(int(parent.stdout.readline()))
    parent.kill()
    ended, _, _ = select.select([child], [], [], 60)
    os.close(child)
    parent.communicate()
    assert ended


class OutOfMemoryError(RuntimeError):
    """Named as torch names it."""


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OutOfMemoryError("CUDA out of memory"), "out_of_memory"),
        (OSError(28, "No space left on device"), "disk_full"),
        (RuntimeError("PytorchStreamWriter failed writing file data/3"), "disk_full"),
        (ValueError("strange"), "training_failed"),
    ],
)
def test_what_libraries_raise_is_told_in_words(error, code):
    found, message = explain(error)
    assert found == code
    assert message.endswith(".")
