"""`manage.py load_demo`: puts the demo content in, and tells how to sign in.

The table of accounts is the last paragraph of its output; `up` shows it again.
"""

from typing import Any

from django.core.management.base import BaseCommand

from phi3site.demo.loading import load_demo, sign_ins


class Command(BaseCommand):
    """Loads what is missing; a second time changes nothing."""

    help = "Loads the demo company: people, documents, experts and a dataset. Safe to repeat."

    def handle(self, *args: Any, **options: Any) -> None:
        """Says each thing made, then the accounts."""
        made = 0
        for line in load_demo():
            made += 1
            self.stdout.write(line)
        self.stdout.write(f"{made} things made." if made else "The demo is there already.")
        self.stdout.write("\n" + sign_ins().rstrip())
