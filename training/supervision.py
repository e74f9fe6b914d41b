"""Carries a run out: starts its training process, follows it, takes it up again when it dies.

The process dies with the worker, holds the lock of the device, and is asked to stop before it is
made to. Knows no model library.
"""

import fcntl
import logging
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from chat.bases import base_fingerprint
from chat.errors import ChatError
from chat.fingerprints import write_manifest
from training.bases import find_base
from training.child import EVENTS
from training.errors import RunFailed
from training.events import EventTail
from training.launching import halve_batch, launch, write_examples
from training.models import Run
from training.progress import Event, Ledger
from training.runs import (
    MAX_RESTARTS,
    adapter_folder,
    finish_run,
    settle_cancelled,
    take_up_again,
    write_fenced,
)

POLL_SECONDS = 0.5
STORE_SECONDS = 2.0
# What a process may still do after it was asked to stop: end its step, save a checkpoint.
GRACE_SECONDS = 6.0

logger = logging.getLogger(__name__)


@contextmanager
def device_lock() -> Iterator[IO[bytes] | None]:
    """The right to train on this machine, or None while another run has it.

    The training process inherits the lock, so it is free only when that is gone too.
    """
    folder = Path(settings.DATA_DIR) / "run"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "training.lock").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            yield file


def carry_out(run: Run, lock: IO[bytes]) -> None:
    """From a claimed run to a finished or cancelled one; raises RunFailed with the reason."""
    with heartbeat(run):
        base = find_base()
        fingerprint = base_fingerprint(base)
        require_same_base(run, fingerprint)
        write_examples(run)
    while True:
        ending = train_once(run, base, lock)
        if ending is None:
            crashed(run)
        elif ending["type"] == "finished":
            conclude(run, ending["figures"], fingerprint)
            return
        elif ending["type"] == "stopped":
            settle_cancelled(run)
            return
        elif not (ending["code"] == "out_of_memory" and halve_batch(run)):
            raise RunFailed(ending["message"], code=ending["code"])


@contextmanager
def heartbeat(run: Run) -> Iterator[None]:
    """Signs of life while something long is done that gives none: hashing gigabytes, say."""
    is_over = threading.Event()

    def beat() -> None:
        rows = Run.objects.under_way().filter(pk=run.pk, attempt=run.attempt)
        while not is_over.wait(STORE_SECONDS):
            rows.update(heartbeat_at=timezone.now())
        connection.close()

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def require_same_base(run: Run, fingerprint: str) -> None:
    """A run that goes on must go on with the model that it began with."""
    known = run.facts.get("base_fingerprint", fingerprint)
    if known != fingerprint:
        raise RunFailed(
            "The base model was exchanged since the run began. Start a new run with it.",
            code="base_model_changed",
        )
    write_fenced(run, facts={**run.facts, "base_fingerprint": fingerprint})


def train_once(run: Run, base: Path, lock: IO[bytes]) -> Event | None:
    """One life of the training process; its last event, or None when it died without one."""
    ledger, tail = Ledger(run), EventTail(run.folder / EVENTS)
    process = launch(run, base, lock)
    try:
        return follow(run, process, ledger, tail)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def follow(
    run: Run, process: "subprocess.Popen[bytes]", ledger: Ledger, tail: EventTail
) -> Event | None:
    """Stores what the process tells until it ends; asks it to stop when the run is cancelled."""
    due, deadline = 0.0, 0.0
    while True:
        is_over = process.poll() is not None
        ledger.take(tail.read())
        if is_over or time.monotonic() >= due:
            must_stop = store(ledger, insist=is_over)
            due = time.monotonic() + STORE_SECONDS
            if must_stop and not deadline:
                process.terminate()
                deadline = time.monotonic() + GRACE_SECONDS
        if is_over:
            return ledger.last or (deadline and {"type": "stopped"}) or None
        if deadline and time.monotonic() > deadline:
            process.kill()
        wait(process)


def wait(process: "subprocess.Popen[bytes]") -> None:
    """Until the process ends, or for a moment."""
    try:
        process.wait(POLL_SECONDS)
    except subprocess.TimeoutExpired:
        return


def store(ledger: Ledger, *, insist: bool) -> bool:
    """Stores what waits; while the database is away it waits longer, unless this is the end."""
    patience = 60.0 if insist else 0.0
    end = time.monotonic() + patience
    while True:
        try:
            return ledger.store()
        except (OperationalError, InterfaceError):
            logger.warning("run %s: the database is away; its events wait", ledger.run.pk)
            connection.close()
            if time.monotonic() >= end:
                if insist:
                    raise
                return False
            time.sleep(POLL_SECONDS)


def crashed(run: Run) -> None:
    """Goes on from the last checkpoint, a few times; then raises RunFailed."""
    if run.restarts >= MAX_RESTARTS:
        raise RunFailed(
            f"The training process died {run.restarts + 1} times without a word, as it does when "
            "the machine's memory is used up. Choose a smaller batch, then resume.",
            code="process_died",
        )
    logger.warning("run %s: attempt %s died; going on", run.pk, run.attempt)
    take_up_again(run)


def conclude(run: Run, figures: dict[str, Any], fingerprint: str) -> None:
    """Seals the adapter, moves it to its place and registers it."""
    made, place = run.folder / "adapter", adapter_folder(run)
    details = {"run": str(run.pk), "recipe": run.recipe, "dataset": run.dataset.sha256}
    try:
        with heartbeat(run):
            write_manifest(made, base=fingerprint, details=details)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(place, ignore_errors=True)
            made.rename(place)
            finish_run(run, figures, fingerprint)
    except ChatError as error:
        raise RunFailed(error.message, code=error.code) from error
