"""`manage.py check_install`: what is found on this machine, and what is wrong."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from phi3site.inspection import Finding, inspect


class Command(BaseCommand):
    """Prints a table; the exit status is 1 when something is wrong."""

    help = "Show what this installation is made of and what is wrong with it."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """One line a finding, its problem below it."""
        problems = sum(self._show(finding) for finding in inspect())
        if problems:
            self.stdout.write(self.style.ERROR(f"\n{problems} to mend."))
            sys.exit(1)
        self.stdout.write(self.style.SUCCESS("\nNothing is wrong."))

    def _show(self, finding: Finding) -> bool:
        sign = self.style.ERROR("✗") if finding.problem else self.style.SUCCESS("✓")
        self.stdout.write(f"{sign} {finding.part:16} {finding.found}")
        if finding.problem:
            self.stdout.write(f"  {'':16} → {finding.problem}")
        return bool(finding.problem)
