"""`manage.py test`: everything that must hold, on services of its own."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from phi3site.checking import check_everything


class Command(BaseCommand):
    """Style, types, migrations and all tests; with arguments only pytest, with those."""

    help = "Check everything; arguments go to pytest, e.g. `manage.py test tests/chat -k stop`."
    requires_system_checks = ()

    def run_from_argv(self, argv: list[str]) -> None:
        """Leaves every argument to pytest, except a question for help."""
        if {"-h", "--help"} & set(argv):
            self.print_help(argv[0], argv[1])
            return
        self.handle(argv[2:])

    def add_arguments(self, parser: ArgumentParser) -> None:
        """For the help text alone."""
        parser.add_argument("arguments", nargs="*", help="passed on to pytest")

    def handle(self, *args: Any, **options: Any) -> None:
        """Ends the process with the verdict."""
        sys.exit(check_everything(args[0], model=settings.DATA_DIR / "models" / "phi3-demo"))
