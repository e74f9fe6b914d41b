"""`manage.py up`: the whole site from one command."""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from phi3site.bootstrap import tell
from phi3site.starting import Start, run_site


class Command(BaseCommand):
    """Starts Postgres, Valkey, web, engine and workers, and looks after them."""

    help = "Start the whole site; Ctrl-C stops it."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The few things a person may choose; the rest comes from the environment."""
        parser.add_argument("--host", default="127.0.0.1", help="address to listen at")
        parser.add_argument("--port", type=int, default=8000, help="port to listen at")
        parser.add_argument("--data-dir", help="where everything is kept (default: data)")
        parser.add_argument("--no-demo", action="store_true", help="no demo content, no accounts")

    def handle(self, *args: Any, **options: Any) -> None:
        """Runs until stopped."""
        data_dir = Path(os.environ["DATA_DIR"])  # manage.py has put --data-dir there
        run_site(
            Start(options["host"], options["port"], data_dir, demo=not options["no_demo"]), tell
        )
