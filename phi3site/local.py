"""What a command needs from this machine, put into its environment before Django reads it.

The data folder and the secret key always; the addresses of Postgres and Valkey where the command
uses them: the person's own (`DATABASE_URL`, `REDIS_URL`), else those of the running `up`, else
embedded ones for as long as the command lasts. Standard library alone.
"""

import os
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from phi3site.bootstrap import ROOT, SetupError

# These start their own services, or need none.
WITHOUT_SERVICES = {
    *("", "help", "version", "--version", "--help", "-h"),
    *("up", "test", "collectstatic", "findstatic", "diffsettings", "startapp", "startproject"),
    *("makemessages", "compilemessages"),
}
ADDRESSES = ("DATABASE_URL", "REDIS_URL")


@contextmanager
def environment(argv: Sequence[str]) -> Iterator[None]:
    """Sets the variables that the command's settings are read from."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "phi3site.settings")
    data_dir = data_folder(argv)
    os.environ["DATA_DIR"] = str(data_dir)
    os.environ.setdefault("SECRET_KEY", secret_key(data_dir))
    command = argv[1] if len(argv) > 1 else ""
    missing = {name for name in ADDRESSES if not os.environ.get(name)}
    if command in WITHOUT_SERVICES or not missing or {"--help", "-h"} & set(argv):
        yield
        return
    with addresses(data_dir, missing, command=f"manage.py {command}") as found:
        os.environ.update(found)
        yield


def data_folder(argv: Sequence[str]) -> Path:
    """From --data-dir, else DATA_DIR, else `data` beside manage.py; made if need be."""
    folder = Path(_option(argv, "--data-dir") or os.environ.get("DATA_DIR") or ROOT / "data")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".writable-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise SetupError(
            "data_dir",
            f"The data folder {folder} cannot be used ({error.strerror}). "
            f"Choose another one with --data-dir or DATA_DIR.",
        ) from error
    return folder.resolve()


def secret_key(data_dir: Path) -> str:
    """The installation's own secret, made on first use and readable by its owner alone."""
    path = data_dir / "secret_key"
    if not path.exists():
        # For the owner alone from its first moment, and whole before it gets its name.
        with tempfile.NamedTemporaryFile("w", dir=data_dir) as half:
            half.write(secrets.token_urlsafe(64))
            half.flush()
            with suppress(FileExistsError):  # another start was faster
                os.link(half.name, path)
    return path.read_text().strip()


@contextmanager
def addresses(data_dir: Path, missing: set[str], *, command: str) -> Iterator[dict[str, str]]:
    """The missing addresses: of whoever runs the services now, else of embedded ones."""
    from phi3site.services import AlreadyHeld, Services
    from phi3site.services.holding import borrowed

    with borrowed(data_dir, missing) as found:
        if found:
            yield found
            return
    services = Services(
        data_dir,
        command=command,
        postgres="DATABASE_URL" in missing,
        valkey="REDIS_URL" in missing,
    )
    try:
        services.__enter__()
    except AlreadyHeld:  # someone else began in between
        with addresses(data_dir, missing, command=command) as found:
            yield found
        return
    try:
        yield services.addresses
        services.await_borrowers()
    finally:
        services.__exit__(None, None, None)


def _option(argv: Sequence[str], name: str) -> str | None:
    for position, word in enumerate(argv):
        if word == name and position + 1 < len(argv):
            return argv[position + 1]
        if word.startswith(name + "="):
            return word.partition("=")[2]
    return None
