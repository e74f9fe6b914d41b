"""What a worker does beside its jobs: every few seconds it looks for rows that are stuck.

Knows no app: which function looks is named in settings.JOBS_RECONCILERS.
"""

import logging
import threading
from collections.abc import Callable

from django.conf import settings
from django.db import connections
from django.utils.module_loading import import_string
from rq import SimpleWorker

from phi3site.jobs import stay_known

INTERVAL = 10.0

logger = logging.getLogger(__name__)


def start_reconciler(queue: str, worker: SimpleWorker) -> threading.Thread:
    """Runs the queue's reconciler in the background for as long as the process lives."""
    look = import_string(settings.JOBS_RECONCILERS[queue])

    def reconcile() -> None:
        stay_known(worker)
        look()

    thread = threading.Thread(target=_run, args=(reconcile,), name="reconciler", daemon=True)
    thread.start()
    return thread


def _run(reconcile: Callable[[], object]) -> None:
    pause = threading.Event()
    while True:
        try:
            reconcile()
        except Exception:
            # The next turn may find the database or Valkey back.
            logger.exception("reconciling failed")
        finally:
            connections.close_all()
        pause.wait(INTERVAL)
