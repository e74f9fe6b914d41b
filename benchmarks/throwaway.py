"""A site of its own for one measurement: a database beside the site's, removed at the end.

Borrows the services of the running site, or starts embedded ones, as manage.py's commands do.
What is measured changes nobody's ranking, and the audit log of the site hears nothing of it.
"""

import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PREFIX, KEPT = "benchmark_run_", "benchmark_kept_"


@contextmanager
def site(*, keep: str = "") -> Iterator[None]:
    """Django on an empty, migrated database for the length of the block.

    With `keep` the database of that name is used again and stays.
    """
    sys.path.insert(0, str(ROOT))
    from phi3site import bootstrap, local

    bootstrap.enter([sys.argv[0], *sys.argv[1:]])
    signal.signal(signal.SIGTERM, _interrupt)
    with local.environment(["manage.py", "benchmark"]):
        import django

        django.setup()
        with _database(keep):
            yield


def _interrupt(number: int, frame: FrameType | None) -> None:
    """An ordinary end of the process leaves the blocks in order."""
    raise KeyboardInterrupt


@contextmanager
def _database(keep: str) -> Iterator[None]:
    from os import getpid

    from django.db import connection

    home = str(connection.settings_dict["NAME"])
    _remove_strays(connection)
    name = KEPT + re.sub(r"\W", "_", keep.lower()) if keep else f"{PREFIX}{getpid()}"
    connection.settings_dict["TEST"]["NAME"] = name
    connection.creation.create_test_db(verbosity=0, autoclobber=True, keepdb=bool(keep))
    try:
        yield
    finally:
        # A second Ctrl-C must not leave the database behind.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if not keep:
            connection.close()
            getattr(connection, "close_pool", connection.close)()
            connection.settings_dict["NAME"] = home
            _drop(connection, name)


def _remove_strays(connection: Any) -> None:
    """Databases of runs that were killed: nobody is connected to them."""
    with connection.creation._nodb_cursor() as cursor:
        cursor.execute(
            "SELECT datname FROM pg_database d WHERE datname LIKE %s AND NOT EXISTS "
            "(SELECT 1 FROM pg_stat_activity a WHERE a.datname = d.datname)",
            [PREFIX.replace("_", r"\_") + "%"],
        )
        names = [name for (name,) in cursor.fetchall()]
    for name in names:
        _drop(connection, name)


def _drop(connection: Any, name: str) -> None:
    """Removes it; a server that can't within a while is not waited for, the next run does it."""
    from django.db.utils import OperationalError

    try:
        with connection.creation._nodb_cursor() as cursor:
            cursor.execute("SET statement_timeout = '30s'")
            cursor.execute(f"DROP DATABASE IF EXISTS {connection.ops.quote_name(name)}")
    except OperationalError:
        print(f"The database {name} is left for the next run to remove.", file=sys.stderr)
