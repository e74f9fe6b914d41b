"""Verifies the audit log from the command line; the exit code tells a script."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from phi3site.audit.anchoring import Anchor
from phi3site.audit.verifying import verify


class Command(BaseCommand):
    """`manage.py verify_audit`."""

    help = "Verifies the audit log and the receipts; exit code 1 names what differs."

    def add_arguments(self, parser: CommandParser) -> None:
        """The anchor to hold the log against."""
        parser.add_argument(
            "--anchor",
            metavar="NUMBER:HASH",
            help="an end of the log that was noted elsewhere; the one in DATA_DIR otherwise",
        )

    def handle(self, *args: Any, anchor: str | None, **options: Any) -> None:
        """Prints the outcome; leaves with 1 when something differs."""
        try:
            report = verify(anchor=Anchor.parse(anchor) if anchor else None)
        except ValueError as error:
            raise CommandError(str(error), returncode=2) from error
        chain = report.chain
        self.stdout.write(f"{chain.events} events intact. Anchor: {chain.events}:{chain.head}")
        if not chain.is_intact:
            self.stderr.write(f"Event {chain.bad_seq} {chain.reason}.")
        for fault in report.faults:
            self.stderr.write(f"{fault.subject}: {fault.reason}.")
        if not report.is_intact:
            sys.exit(1)
