"""Finds runs that nobody works on, and uncounted datasets; sees to it that somebody does.

Called every few seconds by each worker. The rows are the truth: what the queue forgot is queued
again, what a dead worker left is taken from it.
"""

import logging
from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from redis.exceptions import RedisError

from phi3site.audit.recording import record
from phi3site.jobs import TRAINING, get_queue
from training.counting import queue_counts
from training.errors import RunLost
from training.making import requeue_makings
from training.models import Run
from training.runs import MAX_RESTARTS, fail_run, job_id, queue_run, settle_cancelled, write_fenced
from training.uploads import forget_uploads

# A worker writes every two seconds.
LEASE = timedelta(seconds=30)
PATIENCE = timedelta(seconds=15)

logger = logging.getLogger(__name__)


def reconcile() -> int:
    """Moves what got stuck; returns how many runs that were."""
    queue_counts()
    requeue_makings()
    forget_uploads()
    now = timezone.now()
    lost = Run.objects.under_way().filter(heartbeat_at__lt=now - LEASE)
    moved = sum(recover(run) for run in lost)
    waiting = Run.objects.filter(status=Run.Status.QUEUED, heartbeat_at__lt=now - PATIENCE)
    return moved + sum(requeue(run) for run in waiting)


def recover(run: Run) -> bool:
    """Takes a run from the worker that went silent; says whether it had to."""
    try:
        if run.cancel_requested:
            settle_cancelled(run)
        elif run.restarts >= MAX_RESTARTS:
            fail_run(
                run, "worker_lost", "Its worker died again and again. See its log, then resume."
            )
        else:
            _take_back(run)
    except RunLost:  # it came back to life, or another reconciler was faster
        return False
    logger.warning("run %s: attempt %s went silent; now %s", run.pk, run.attempt, run.status)
    return True


def requeue(run: Run) -> bool:
    """Queues a waiting run that no job stands for; says whether it had to."""
    try:
        if job_id(run) in get_queue(TRAINING).get_job_ids():
            return False
    except RedisError:
        return False
    with transaction.atomic():
        still = Run.objects.filter(pk=run.pk, status=Run.Status.QUEUED)
        if not still.update(heartbeat_at=timezone.now()):
            return False
        run.refresh_from_db()
        queue_run(run)
    return True


def _take_back(run: Run) -> None:
    with transaction.atomic():
        write_fenced(
            run,
            status=Run.Status.QUEUED,
            restarts=run.restarts + 1,
            heartbeat_at=timezone.now(),
        )
        queue_run(run)
        record("run.requeued", target=run, details={"attempt": run.attempt})
