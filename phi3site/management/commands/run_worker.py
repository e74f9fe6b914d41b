"""Runs the jobs of one queue until it is told to stop."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from phi3site.jobs import QUEUES, get_worker
from phi3site.reconciling import start_reconciler


class Command(BaseCommand):
    """`manage.py run_worker ingestion`."""

    help = "Runs the jobs of one queue: ingestion or training."

    def add_arguments(self, parser: CommandParser) -> None:
        """The queue's name."""
        parser.add_argument("queue", choices=QUEUES)

    def handle(self, *args: Any, queue: str, **options: Any) -> None:
        """Works until SIGTERM or SIGINT; a job under way is finished first."""
        worker = get_worker(queue)
        start_reconciler(queue, worker)
        worker.work(logging_level="WARNING")
