"""The states of a run: who may change it, when, and what the log says of it.

Every change is a compare-and-set in one transaction with its audit event. A worker writes under the
attempt that it claimed: once another attempt holds the run, the older one's writes fail. Knows no
process and no model; see supervision.
"""

from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from chat.adapters import register_adapter
from chat.models import Adapter
from phi3site.audit.recording import record
from phi3site.jobs import TRAINING, enqueue
from training.bases import find_base
from training.errors import RunLost, StateConflict
from training.models import Dataset, Run
from training.preflight import examine
from training.recipes import Recipe, read_recipe

TASK = "training.tasks.execute_run"
# Times that a run is taken up again by itself after its process or its worker died.
MAX_RESTARTS = 3


def start_run(
    dataset: Dataset, recipe: Recipe, *, name: str, actor: Any, run_id: UUID | None = None
) -> Run:
    """A queued run; the same `run_id` twice (a double click) is the same run.

    Raises RecipeRefused when the run could not work out.
    """
    base = find_base()
    figures = examine(recipe, dataset, base)
    with transaction.atomic():
        run, is_new = Run.objects.get_or_create(
            id=run_id or uuid4(),
            defaults={
                "name": name,
                "dataset": dataset,
                "recipe": recipe.as_dict(),
                "base_model": base.name,
                "total_steps": figures.total_steps,
                "facts": {"preflight": figures.as_dict()},
                "heartbeat_at": timezone.now(),
                "created_by": actor,
            },
        )
        if is_new:
            queue_run(run)
            details = {"dataset": str(dataset.pk), "recipe": run.recipe, "base": base.name}
            record("run.queued", target=run, actor=actor, details=details)
    return run


def resume_run(run: Run, *, actor: Any) -> None:
    """Queues a failed or cancelled run again; it goes on from its last complete checkpoint."""
    examine(read_recipe(run.recipe), run.dataset, find_base())
    with transaction.atomic():
        changed = Run.objects.filter(pk=run.pk, status__in=Run.RESUMABLE).update(
            status=Run.Status.QUEUED,
            cancel_requested=False,
            restarts=0,
            error="",
            error_code="",
            finished_at=None,
            heartbeat_at=timezone.now(),
        )
        if not changed:
            raise StateConflict("Only a failed or cancelled run can be resumed. Reload the page.")
        run.refresh_from_db()
        queue_run(run)
        record("run.queued", target=run, actor=actor, details={"resumed": True})


def cancel_run(run: Run, *, actor: Any) -> None:
    """Ends a queued run now; asks the worker of one under way, which hears it within seconds."""
    with transaction.atomic():
        rows = Run.objects.filter(pk=run.pk)
        now = timezone.now()
        if rows.filter(status=Run.Status.QUEUED).update(
            status=Run.Status.CANCELLED, cancel_requested=True, finished_at=now
        ):
            record("run.cancelled", target=run, actor=actor)
        elif rows.filter(status__in=Run.UNDER_WAY, cancel_requested=False).update(
            cancel_requested=True
        ):
            record("run.cancel_requested", target=run, actor=actor)
        elif not rows.filter(status__in=Run.UNDER_WAY).exists():
            raise StateConflict("The run has ended already. Reload the page.")
    run.refresh_from_db()


def queue_run(run: Run) -> None:
    """Hands it to the workers once the transaction commits."""
    enqueue(
        TASK, str(run.pk), queue=TRAINING, job_id=job_id(run), timeout=settings.TRAINING_TIMEOUT
    )


def job_id(run: Run) -> str:
    """One job for each time that the run was queued: a queue takes the same id only once."""
    queued_at = run.heartbeat_at or run.created_at
    return f"run-{run.pk}-{int(queued_at.timestamp())}"


def claim_run(run_id: UUID) -> Run | None:
    """The run, if it is queued, now held by a new attempt of the caller's."""
    with transaction.atomic():
        run = Run.objects.select_for_update().filter(pk=run_id, status=Run.Status.QUEUED).first()
        if run is None:
            return None
        run.status = Run.Status.PREPARING
        run.attempt += 1
        run.heartbeat_at = timezone.now()
        run.started_at = run.started_at or run.heartbeat_at
        run.save(update_fields=["status", "attempt", "heartbeat_at", "started_at"])
        record("run.started", target=run, details={"attempt": run.attempt})
        return run


def take_up_again(run: Run) -> None:
    """The next attempt by the same worker, after the training process died; raises RunLost."""
    write_fenced(
        run,
        status=Run.Status.PREPARING,
        attempt=run.attempt + 1,
        restarts=run.restarts + 1,
        heartbeat_at=timezone.now(),
    )


def write_fenced(run: Run, **values: Any) -> None:
    """Changes a run under way, if it is still this attempt's; raises RunLost otherwise."""
    rows = Run.objects.filter(pk=run.pk, attempt=run.attempt, status__in=Run.UNDER_WAY)
    if not rows.update(**values):
        raise RunLost("The run was taken over or ended; this attempt may not go on.")
    for name, value in values.items():
        setattr(run, name, value)


def fail_run(run: Run, code: str, message: str) -> None:
    """Ends it without an adapter; its checkpoints stay."""
    with transaction.atomic():
        write_fenced(
            run,
            status=Run.Status.FAILED,
            error=message,
            error_code=code,
            finished_at=timezone.now(),
        )
        record("run.failed", target=run, details={"attempt": run.attempt, "code": code})


def settle_cancelled(run: Run) -> None:
    """Ends it as its canceller asked."""
    with transaction.atomic():
        write_fenced(run, status=Run.Status.CANCELLED, finished_at=timezone.now())
        record("run.cancelled", target=run, details={"attempt": run.attempt, "step": run.step})


def finish_run(run: Run, figures: dict[str, float], base_fingerprint: str) -> Adapter:
    """Registers what lies in `adapters/<run>` and ends the run, all or nothing."""
    recipe = read_recipe(run.recipe)
    with transaction.atomic():
        write_fenced(run, status=Run.Status.FINISHED, finished_at=timezone.now())
        adapter = register_adapter(
            adapter_folder(run),
            name=run.name,
            base_model=run.base_model,
            method=recipe.method,
            rank=recipe.r,
            target_modules=list(recipe.target_modules),
            run_id=run.pk,
            collections=run.dataset.collections.all(),
            metrics={
                **figures,
                "steps": run.step,
                "examples": run.dataset.report["train"],
                "token_parity": run.facts.get("token_parity", 0),
            },
            actor=run.created_by,
            expected_base=base_fingerprint,
        )
        details = {"attempt": run.attempt, "adapter": str(adapter.pk), **figures}
        record("run.finished", target=run, details=details)
    return adapter


def adapter_folder(run: Run) -> Any:
    """Where the run's adapter lies for good."""
    return settings.DATA_DIR / "adapters" / str(run.pk)
