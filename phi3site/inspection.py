"""What this installation is made of, and what is wrong with it: the findings of `check_install`.

Each check looks at one part and never raises: what cannot be looked at is a finding too.
"""

import os
import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from django.conf import settings
from redis.exceptions import RedisError

from chat.fingerprints import fingerprint_model
from knowledge.exact.role import ROLE, has_role
from phi3site.health import PartMissing, applied_migrations, short_connection
from phi3site.valkey import client

# Below this, pgvector returns too few rows of filtered searches and has known faults.
PGVECTOR_FLOOR = (0, 8, 4)
POSTGRES_FLOOR = 14
NEEDED_BYTES = 2 * 1024**3


@dataclass(frozen=True)
class Finding:
    """One line of the table; `problem` says what to do, and is empty when all is well."""

    part: str
    found: str
    problem: str = ""


def inspect() -> Iterator[Finding]:
    """All findings, in the order in which a person would mend them."""
    yield Finding("Python", platform.python_version())
    yield _disk(settings.DATA_DIR)
    yield from _guarded("Postgres", _postgres, (psycopg.Error,))
    yield from _guarded("Valkey", _valkey, (RedisError,))
    yield from (_package(name) for name in ("torch", "transformers", "peft", "bitsandbytes"))
    yield _gpu()
    yield _base_model(settings.BASE_MODEL)


def _guarded(
    part: str, check: Callable[[], Iterator[Finding]], errors: tuple[type[Exception], ...]
) -> Iterator[Finding]:
    try:
        yield from check()
    except errors as error:
        variable = "DATABASE_URL" if part == "Postgres" else "REDIS_URL"
        reason = str(error).strip().splitlines()[-1]
        yield Finding(part, "does not answer", f"{reason}. Is it running? Is {variable} right?")


def _disk(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    problem = "" if free >= NEEDED_BYTES else "Free at least 2 GB."
    return Finding("Data folder", f"{folder}, {free / 1e9:.1f} GB free", problem)


def _postgres() -> Iterator[Finding]:
    with short_connection() as postgres:
        number = postgres.info.server_version
        old = number // 10000 < POSTGRES_FLOOR
        yield Finding(
            "Postgres",
            f"{number // 10000}.{number % 10000}",
            f"Version {POSTGRES_FLOOR} or newer is needed." if old else "",
        )
        rows = postgres.execute(
            "SELECT name, coalesce(installed_version, default_version), installed_version IS NULL "
            "FROM pg_available_extensions WHERE name IN ('vector', 'pg_textsearch')"
        ).fetchall()
    found = {str(name): (str(number), bool(absent)) for name, number, absent in rows}
    yield pgvector_finding(*found.get("vector", ("", True)))
    yield _textsearch(*found.get("pg_textsearch", ("", True)))
    yield _table_reader()
    yield _migrations()


def pgvector_finding(number: str, is_absent: bool) -> Finding:
    """Judges pgvector by the version that is installed, or that could be."""
    if not number:
        return Finding("pgvector", "not there", "Install the extension pgvector 0.8.4 or newer.")
    if tuple(int(part) for part in number.split(".")) < PGVECTOR_FLOOR:
        return Finding(
            "pgvector", number, "0.8.4 or newer is needed: ALTER EXTENSION vector UPDATE"
        )
    if is_absent:
        return Finding("pgvector", f"{number}, not switched on", "Run: python3 manage.py migrate")
    return Finding("pgvector", number)


def _textsearch(number: str, is_absent: bool) -> Finding:
    if number and not is_absent:
        return Finding("Keyword search", f"pg_textsearch {number} (BM25)")
    return Finding("Keyword search", "Postgres full text (pg_textsearch is not there)")


def _table_reader() -> Finding:
    """Whether questions to tables run under the role that can read one table only."""
    if has_role():
        return Finding("Table questions", f"under the role {ROLE}")
    return Finding(
        "Table questions",
        "in read-only transactions, without a role of their own",
        f"As an administrator of Postgres: CREATE ROLE {ROLE} NOLOGIN; GRANT {ROLE} TO the user "
        "of DATABASE_URL",
    )


def _migrations() -> Finding:
    try:
        return Finding("Migrations", applied_migrations())
    except PartMissing as reason:
        return Finding("Migrations", str(reason), "Run: python3 manage.py migrate")


def _valkey() -> Iterator[Finding]:
    server = client().info("server")
    name = "Valkey" if "valkey_version" in server else "Redis"
    number = server.get("valkey_version") or server["redis_version"]
    yield Finding("Valkey", f"{name} {number}", _open_valkey())
    policy = str(client().config_get("maxmemory-policy").get("maxmemory-policy", "unknown"))
    yield policy_finding(policy)


def policy_finding(policy: str) -> Finding:
    """A server that throws keys away would lose queued questions and jobs."""
    problem = "" if policy == "noeviction" else "Set maxmemory-policy to noeviction."
    return Finding("Eviction policy", policy, problem)


def _open_valkey() -> str:
    url = urlsplit(settings.REDIS_URL)
    if url.scheme == "unix" or url.password or url.hostname in ("localhost", "127.0.0.1", "::1"):
        return ""
    return "It takes commands from anyone in the network: set a password (redis://:secret@host)."


def _package(name: str) -> Finding:
    try:
        return Finding(name, version(name))
    except PackageNotFoundError:
        return Finding(name, "not installed", "Remove .venv/installed.json and run again.")


def _gpu() -> Finding:
    import torch

    if not torch.cuda.is_available():
        return Finding("GPU", f"none; {os.cpu_count()} CPU cores")
    devices = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
    names = [f"{device.name} ({device.total_memory / 1e9:.0f} GB)" for device in devices]
    return Finding("GPU", ", ".join(names))


def _base_model(name: str) -> Finding:
    folder = Path(name)
    if not folder.is_dir():
        if folder.is_absolute():
            return Finding("Base model", f"{folder} is not there", "Run `up`, or set BASE_MODEL.")
        return Finding("Base model", f"{name} (from the hub, fetched by the engine)")
    try:
        fingerprint = fingerprint_model(folder)
    except (OSError, ValueError) as error:
        return Finding("Base model", str(folder), f"It cannot be read: {error}")
    kind = "the small demo model, " if fingerprint.is_demo else ""
    return Finding("Base model", f"{folder} ({kind}{fingerprint.base})")
