"""Takes a folder of files into a collection, and only what changed when it runs again."""

from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from knowledge.importing import import_folder
from knowledge.models import Collection


class Command(BaseCommand):
    """`manage.py import_folder manuals --collection "Service documents"`."""

    help = "Takes the files below a folder into a collection; a second run takes what changed."

    def add_arguments(self, parser: CommandParser) -> None:
        """The folder, the collection's name, and on whose behalf."""
        parser.add_argument("folder", type=Path)
        parser.add_argument("--collection", required=True, help="the name of a collection")
        parser.add_argument("--user", help="on whose behalf, by user name; else nobody's")

    def handle(
        self, *args: Any, folder: Path, collection: str, user: str | None, **options: Any
    ) -> None:
        """Prints what was refused and why, then the counts."""
        if not folder.is_dir():
            raise CommandError(f"{folder} is no folder.")
        target = Collection.objects.active().filter(name=collection).first()
        if target is None:
            there = Collection.objects.active().values_list("name", flat=True)
            names = ", ".join(there) or "none yet"
            raise CommandError(f"There is no collection {collection!r}. There are: {names}.")
        report = import_folder(folder, target, actor=_person(user, target))
        for path, reason in report.refusals:
            self.stderr.write(f"{path}: {reason}")
        self.stdout.write(str(report))


def _person(name: str | None, collection: Collection) -> User | None:
    """Who the events name; they must be allowed to upload there themselves."""
    if name is None:
        return None
    user = User.objects.filter(username=name).first()
    if user is None or not Collection.objects.manageable_by(user).filter(pk=collection.pk).exists():
        raise CommandError(f"There is no user {name!r} who manages this collection.")
    return user
