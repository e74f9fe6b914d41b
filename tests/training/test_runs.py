"""A run is queued once, held by one attempt, and ends in exactly one way."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from phi3site.audit.models import AuditEvent
from phi3site.jobs import TRAINING, get_queue
from training.errors import RecipeRefused, RunLost, StateConflict
from training.models import Metric, Run
from training.progress import Ledger
from training.recipes import Recipe
from training.reconciling import LEASE, reconcile
from training.runs import (
    MAX_RESTARTS,
    cancel_run,
    claim_run,
    fail_run,
    job_id,
    resume_run,
    start_run,
    take_up_again,
    write_fenced,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def queue():
    queue = get_queue(TRAINING)
    queue.empty()
    yield queue
    queue.empty()


def actions():
    found = AuditEvent.objects.filter(action__startswith="run.").order_by("seq")
    return [action.removeprefix("run.") for action in found.values_list("action", flat=True)]


def silence(run):
    Run.objects.filter(pk=run.pk).update(heartbeat_at=timezone.now() - 2 * LEASE)


def test_a_run_is_queued_with_its_figures(
    run, queue, dataset, recipe, admin, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        second = start_run(dataset, recipe, name="Again", actor=admin)
    assert queue.get_job_ids() == [job_id(second)]
    figures = run.facts["preflight"]
    # r * (in + out) over 2 layers: qkv 64>128, o 64>64, gate_up 64>256, down 128>64
    assert figures["trainable_parameters"] == 2 * 2 * (192 + 128 + 320 + 192)
    assert figures["train_examples"] == dataset.report["train"]
    assert run.total_steps == 8
    assert actions() == ["queued", "queued"]


def test_a_double_click_starts_one_run(dataset, recipe, admin):
    chosen = uuid4()
    first = start_run(dataset, recipe, name="One", actor=admin, run_id=chosen)
    assert start_run(dataset, recipe, name="One", actor=admin, run_id=chosen) == first
    assert Run.objects.count() == 1
    assert actions() == ["queued"]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"r": 200}, "up to rank 128"),
        ({"max_length": 16}, "longer than max_length"),
        ({"max_length": 2048}, "reads 1024 tokens"),
    ],
)
def test_what_can_not_work_is_refused_before_it_starts(values, reason, dataset, admin):
    with pytest.raises(RecipeRefused, match=reason):
        start_run(dataset, Recipe(**values), name="No", actor=admin)
    assert not Run.objects.exists()


def test_a_full_disk_is_noticed_before(dataset, recipe, admin, monkeypatch):
    from shutil import _ntuple_diskusage as usage

    monkeypatch.setattr("shutil.disk_usage", lambda path: usage(10**12, 10**12 - 1000, 1000))
    with pytest.raises(RecipeRefused, match="GB free") as refusal:
        start_run(dataset, recipe, name="No", actor=admin)
    assert refusal.value.code == "disk_full"


def test_a_missing_base_model_is_said_plainly(dataset, recipe, admin, settings):
    settings.BASE_MODEL = "/nowhere/phi-3"
    with pytest.raises(RecipeRefused, match="not on this machine"):
        start_run(dataset, recipe, name="No", actor=admin)


def test_only_one_worker_gets_the_run(run):
    assert claim_run(run.pk).attempt == 1
    assert claim_run(run.pk) is None


def test_a_worker_that_was_overtaken_can_write_nothing(run):
    old = claim_run(run.pk)
    current = Run.objects.get(pk=run.pk)
    take_up_again(current)
    with pytest.raises(RunLost):
        write_fenced(old, step=5)
    with pytest.raises(RunLost):
        fail_run(old, "x", "y")
    ledger = Ledger(old)
    ledger.take([metric(1, attempt=1)])
    with pytest.raises(RunLost):
        ledger.store()
    assert not Metric.objects.exists()


def metric(step, *, attempt=1, loss=1.0):
    values = {"loss": loss}
    return {
        "type": "metric", "kind": "train", "step": step,
        "values": values, "attempt": attempt, "at": 100.0 + step,
    }  # fmt: skip


def test_points_told_twice_are_stored_once_as_last_told(run):
    ledger = Ledger(claim_run(run.pk))
    ledger.take([metric(1), metric(2), metric(2, loss=0.5)])
    ledger.store()
    ledger.take([metric(2, loss=0.25), metric(3)])
    ledger.store()
    stored = Metric.objects.order_by("step").values_list("step", "values__loss")
    assert list(stored) == [(1, 1.0), (2, 0.25), (3, 1.0)]
    run.refresh_from_db()
    assert run.step == 3


def test_the_end_of_an_earlier_attempt_is_not_the_end(run):
    ledger = Ledger(claim_run(run.pk))
    ledger.take([{"type": "failed", "attempt": 0, "code": "x", "message": "y"}])
    assert ledger.last is None


def test_a_queued_run_is_cancelled_at_once(run, admin):
    cancel_run(run, actor=admin)
    assert run.status == Run.Status.CANCELLED
    assert claim_run(run.pk) is None
    with pytest.raises(StateConflict):
        cancel_run(run, actor=admin)
    assert actions() == ["queued", "cancelled"]


def test_a_run_under_way_is_asked_to_stop_once(run, admin):
    claim_run(run.pk)
    cancel_run(run, actor=admin)
    cancel_run(run, actor=admin)
    assert run.is_unfinished
    assert actions() == ["queued", "started", "cancel_requested"]


def test_a_failed_run_can_be_resumed_and_a_running_one_not(run, admin):
    claimed = claim_run(run.pk)
    with pytest.raises(StateConflict):
        resume_run(run, actor=admin)
    fail_run(claimed, "process_died", "It died.")
    resume_run(Run.objects.get(pk=run.pk), actor=admin)
    again = claim_run(run.pk)
    assert (again.attempt, again.error, again.cancel_requested) == (2, "", False)
    assert actions() == ["queued", "started", "failed", "queued", "started"]


def test_a_run_of_a_silent_worker_is_queued_again(run, queue, django_capture_on_commit_callbacks):
    held = claim_run(run.pk)
    assert reconcile() == 0
    silence(run)
    with django_capture_on_commit_callbacks(execute=True):
        assert reconcile() == 1
    run.refresh_from_db()
    assert (run.status, run.restarts) == (Run.Status.QUEUED, 1)
    assert queue.get_job_ids() == [job_id(run)]
    with pytest.raises(RunLost):
        write_fenced(held, step=1)
    assert claim_run(run.pk).attempt == 2


def test_a_run_whose_workers_die_again_and_again_fails(run):
    claim_run(run.pk)
    Run.objects.filter(pk=run.pk).update(restarts=MAX_RESTARTS)
    silence(run)
    reconcile()
    run.refresh_from_db()
    assert (run.status, run.error_code) == (Run.Status.FAILED, "worker_lost")


def test_a_cancelled_run_of_a_silent_worker_is_cancelled(run, admin):
    claim_run(run.pk)
    cancel_run(run, actor=admin)
    silence(run)
    reconcile()
    run.refresh_from_db()
    assert run.status == Run.Status.CANCELLED


def test_what_the_queue_forgot_is_queued_again_and_only_that(
    run, queue, django_capture_on_commit_callbacks
):
    Run.objects.filter(pk=run.pk).update(heartbeat_at=timezone.now() - timedelta(minutes=1))
    with django_capture_on_commit_callbacks(execute=True):
        assert reconcile() == 1
    run.refresh_from_db()
    assert queue.get_job_ids() == [job_id(run)]
    Run.objects.filter(pk=run.pk).update(heartbeat_at=run.heartbeat_at)
    assert reconcile() == 0
    assert json.loads(AuditEvent.objects.get(action="run.queued").details)["base"] == "tiny-phi3"
