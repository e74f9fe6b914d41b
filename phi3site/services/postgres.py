"""The embedded Postgres: start, wait, stop, and come back after any kind of death.

Knows nothing of Django: it is driven through its own programs and a plain connection.
"""

import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from phi3site.bootstrap import SetupError
from phi3site.processes import is_running, spawn
from phi3site.services.places import Places

# The site's own role and database; the superuser stays for the set-up alone.
ROLE = DATABASE = "phi3"
# What questions to tables run as: no rights but those lent for one transaction.
READER = "phi3_table_reader"
SUPERUSER = "postgres"
EXTENSIONS = ("vector", "pg_trgm", "unaccent", "pg_textsearch")
START_SECONDS = 120.0  # recovery after a crash takes its time
LEAVE_SECONDS = 20.0
MIB = 1024**2


class Postgres:
    """One server on one data folder, reachable by a unix socket only."""

    def __init__(self, places: Places, logs: Path, *, durable: bool = True) -> None:
        self.places, self.durable = places, durable
        self.data = places.state / "postgres"
        self.log = logs / "postgres.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The site's DATABASE_URL."""
        return f"postgresql://{ROLE}@/{DATABASE}?host={quote(str(self.places.sockets))}"

    def start(self) -> None:
        """Returns once the site's database answers; raises SetupError with the server's reason."""
        self._clear_leftovers()
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        self.places.own(self.data)
        self.process = spawn(
            self._command(),
            log=self.log,
            on_death=signal.SIGINT,  # a fast shutdown
            account=self.places.account,
            cwd=Path("/"),
        )
        with self._connection() as connection:
            _ensure_database(connection)
        self._ensure_extensions()

    def stop(self) -> None:
        """A fast shutdown: connections are cut, nothing committed is lost."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(LEAVE_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.send_signal(signal.SIGQUIT)
                self.process.wait(LEAVE_SECONDS)

    def _clear_leftovers(self) -> None:
        """Waits for a server that is on its way out, then removes what a killed one left."""
        with suppress(OSError, ValueError):
            pid = int((self.data / "postmaster.pid").read_text().splitlines()[0])
            deadline = time.monotonic() + LEAVE_SECONDS
            while is_running(pid, "postgres"):
                if time.monotonic() > deadline:
                    raise SetupError(
                        "postgres_left_over",
                        f"Another Postgres (process {pid}) still runs on {self.data}. "
                        f"Stop it: kill -INT {pid}",
                    )
                time.sleep(0.05)
        # Its process is gone, but its number may belong to a stranger by now.
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        for name in (".s.PGSQL.5432", ".s.PGSQL.5432.lock"):
            (self.places.sockets / name).unlink(missing_ok=True)

    def _initialise(self) -> None:
        """A new cluster, made aside and renamed, so that a killed set-up leaves no half one."""
        half = self.data.with_name("postgres.new")
        shutil.rmtree(half, ignore_errors=True)
        self.places.own(half)
        command: list[str | Path] = [
            self._program("initdb"),
            "-D",
            half,
            "-U",
            SUPERUSER,
            "--auth=trust",
        ]
        command += ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command += ["--no-instructions", *([] if self.durable else ["--no-sync"])]
        process = spawn(command, log=self.log, account=self.places.account, cwd=Path("/"))
        if process.wait():
            raise SetupError("initdb_failed", self._reason("A new database cannot be made"))
        half.rename(self.data)

    def _command(self) -> list[str | Path]:
        command: list[str | Path] = [self._program("postgres"), "-D", self.data]
        for name, value in self._settings().items():
            command += ["-c", f"{name}={value}"]
        return command

    def _settings(self) -> dict[str, str]:
        extra = self.places.textsearch
        return {
            "listen_addresses": "",
            "unix_socket_directories": str(self.places.sockets),
            "unix_socket_permissions": "0700",
            "max_connections": "200",
            "shared_buffers": "256MB" if self.durable else "64MB",
            "effective_cache_size": "1GB",
            "work_mem": "16MB",
            "maintenance_work_mem": "256MB",
            "max_wal_size": "2GB",
            "fsync": "on" if self.durable else "off",
            "dynamic_shared_memory_type": _shared_memory_type(),
            "shared_preload_libraries": "pg_textsearch",
            # `$system` and `$libdir` first: what the wheel itself brings is never shadowed.
            "extension_control_path": f"$system:{extra}",
            "dynamic_library_path": f"$libdir:{extra / 'lib'}",
        }

    def _program(self, name: str) -> Path:
        return self.places.postgres / "bin" / name

    def _connection(self, database: str = SUPERUSER) -> "psycopg.Connection[tuple[object, ...]]":
        """Waits until the server takes a connection."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                return psycopg.connect(
                    host=str(self.places.sockets), user=SUPERUSER, dbname=database, autocommit=True
                )
            except psycopg.OperationalError:
                if self.process is None or self.process.poll() is not None:
                    raise SetupError(
                        "postgres_failed", self._reason("Postgres does not start")
                    ) from None
                if time.monotonic() > deadline:
                    raise SetupError(
                        "postgres_slow", f"Postgres does not answer. Its log: {self.log}"
                    ) from None
                time.sleep(0.02)

    def _ensure_extensions(self) -> None:
        # In the template too: test databases are copies of it, made by a role that may not.
        for database in ("template1", DATABASE):
            with self._connection(database) as connection:
                for name in EXTENSIONS:
                    connection.execute(
                        sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(name))
                    )

    def _reason(self, what: str) -> str:
        lines = self.log.read_text(errors="replace").splitlines()[-30:] if self.log.exists() else []
        if any("No space left" in line for line in lines):
            return f"{what}: the disk is full. Free some space and run the command again."
        telling = [line for line in lines if "FATAL" in line or "error:" in line]
        return f"{what}: {(telling or ['no reason was given'])[-1]} (log: {self.log})"


def _ensure_database(connection: "psycopg.Connection[tuple[object, ...]]") -> None:
    role, database = sql.Identifier(ROLE), sql.Identifier(DATABASE)
    if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (ROLE,)).fetchone():
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(role))
    reader = sql.Identifier(READER)
    if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (READER,)).fetchone():
        connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN NOINHERIT").format(reader))
    connection.execute(sql.SQL("GRANT {} TO {} WITH INHERIT FALSE").format(reader, role))
    # To see whether the keyword extension is preloaded.
    connection.execute(sql.SQL("GRANT pg_read_all_settings TO {}").format(role))
    found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,))
    if not found.fetchone():
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, role))


def _shared_memory_type() -> str:
    """Containers often have 64 MB of shared memory: too little to build a vector index in."""
    try:
        return "posix" if shutil.disk_usage("/dev/shm").free > 1024 * MIB else "mmap"
    except OSError:
        return "mmap"
