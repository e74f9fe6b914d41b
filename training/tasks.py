"""The jobs: a run, claimed, carried out and ended in its row; datasets made and looked through."""

import logging
from uuid import UUID

from training import counting, making
from training.errors import RunLost, TrainingError
from training.models import Run
from training.runs import claim_run, fail_run
from training.supervision import carry_out, device_lock

logger = logging.getLogger(__name__)


def execute_run(run_id: str) -> None:
    """Safe to run twice: only a queued run is claimed, and only while the device is free.

    While it is not, the run stays queued; the reconciler brings it back.
    """
    with device_lock() as lock:
        run = claim_run(UUID(run_id)) if lock else None
        if lock and run:
            logger.info("run %s: attempt %s begins", run.pk, run.attempt)
            try:
                carry_out(run, lock)
            except RunLost:
                logger.warning("run %s: attempt %s was overtaken", run.pk, run.attempt)
            except TrainingError as error:
                _fail(run, error.code, error.message)
            except Exception:
                logger.exception("run %s: attempt %s failed", run.pk, run.attempt)
                _fail(run, "internal_error", "Something unexpected went wrong. Resume the run.")
                raise


def count_dataset(dataset_id: str) -> None:
    """Safe to run twice: what is counted already is left alone."""
    if counting.count_dataset(UUID(dataset_id)):
        logger.info("dataset %s: tokens counted", dataset_id)


def make_dataset(dataset_id: str) -> None:
    """Safe to run twice: only a dataset that is still to be made is made."""
    making.make_dataset(UUID(dataset_id))


def _fail(run: Run, code: str, message: str) -> None:
    try:
        fail_run(run, code, message)
    except RunLost:
        logger.warning("run %s: had ended otherwise before it failed with %s", run.pk, code)
