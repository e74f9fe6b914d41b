"""What a training process told becomes rows: each point once, none missing.

Events are kept until they are stored, so that a database which is away for a while leaves no gap.
Knows no process.
"""

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.utils import timezone

from training.models import Checkpoint, Metric, Run
from training.runs import write_fenced

Event = dict[str, Any]
LAST = frozenset({"finished", "stopped", "failed"})


class Ledger:
    """Stores the events of one run, in order."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.last: Event | None = None
        self._pending: list[Event] = []

    def take(self, events: Iterable[Event]) -> None:
        """Keeps them until `store`; the end counts only when this attempt told it."""
        for event in events:
            self._pending.append(event)
            if event.get("type") in LAST and event.get("attempt") == self.run.attempt:
                self.last = event

    def store(self) -> bool:
        """Writes all that waits, and a sign of life; says whether the run is to be cancelled.

        Raises RunLost when the run is not this attempt's any more.
        """
        with transaction.atomic():
            write_fenced(self.run, **self._changes(), heartbeat_at=timezone.now())
            self._store_metrics()
            self._store_checkpoints()
        self._pending.clear()
        rows = Run.objects.filter(pk=self.run.pk)
        return rows.values_list("cancel_requested", flat=True).get()

    def _of(self, kind: str) -> list[Event]:
        return [event for event in self._pending if event.get("type") == kind]

    def _changes(self) -> dict[str, Any]:
        changes: dict[str, Any] = {}
        for event in self._of("prepared"):
            changes["status"] = Run.Status.RUNNING
            changes["facts"] = {**self.run.facts, **event["facts"]}
            changes["total_steps"] = event["facts"]["total_steps"]
        steps = [event["step"] for event in self._of("metric")]
        if steps:
            changes["step"] = steps[-1]
        return changes

    def _store_metrics(self) -> None:
        # A resumed run tells some steps again: the last telling is the one that counts.
        latest = {(event["step"], event["kind"]): event for event in self._of("metric")}
        rows = [
            Metric(
                run=self.run, step=step, kind=kind, values={**event["values"], "at": event["at"]}
            )
            for (step, kind), event in latest.items()
        ]
        Metric.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["run", "step", "kind"],
            update_fields=["values"],
        )

    def _store_checkpoints(self) -> None:
        events = self._of("checkpoint")
        if not events:
            return
        kept = events[-1]["kept"]
        rows = [
            Checkpoint(run=self.run, step=step, folder=f"checkpoints/step-{step}") for step in kept
        ]
        Checkpoint.objects.bulk_create(rows, ignore_conflicts=True)
        self.run.checkpoints.exclude(step__in=kept).delete()
