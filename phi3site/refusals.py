"""What the site refuses to start with, because it would stand open: told all at once.

Knows the values of settings, not Django: it runs while the settings are read.
"""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

DEVELOPMENT_KEY = "insecure-key-for-development-only"
SHORTEST_KEY = 50
AT_HOME = {"localhost", "127.0.0.1", "[::1]", "::1", "testserver", ".localhost"}


def refusals(
    *, debug: bool, secret_key: str, hosts: Sequence[str], redis_url: str, https_only: bool
) -> list[str]:
    """A sentence for each reason; none when the site may start."""
    away = [host for host in hosts if host not in AT_HOME]
    found = []
    if debug and away:
        found.append(f"DEBUG shows secrets on error pages: switch it off for {', '.join(away)}.")
    if "*" in hosts:
        found.append("ALLOWED_HOSTS must name the site's own host names instead of *.")
    if not debug:
        found += _key_refusals(secret_key, is_served=bool(away))
    if not debug and _is_open(redis_url):
        found.append(
            "REDIS_URL names a server without a password on another machine: anybody there could "
            "put jobs into the queue. Set a password, or use a socket."
        )
    if https_only and debug:
        found.append("HTTPS_ONLY and DEBUG contradict each other.")
    return found


def _key_refusals(secret_key: str, *, is_served: bool) -> list[str]:
    if not secret_key:
        return [
            "SECRET_KEY is not set. `python3 manage.py up` makes one; in production set your own."
        ]
    is_weak = len(secret_key) < SHORTEST_KEY or len(set(secret_key)) < 5
    if is_served and (is_weak or secret_key == DEVELOPMENT_KEY):
        return [
            f"SECRET_KEY can be guessed: it needs {SHORTEST_KEY} random characters or more. "
            "`python3 -c 'import secrets; print(secrets.token_urlsafe(64))'` prints one."
        ]
    return []


def _is_open(redis_url: str) -> bool:
    """Reachable from other machines, and without a password."""
    parts = urlsplit(redis_url)
    if parts.scheme == "unix" or Path(redis_url).is_absolute():
        return False
    is_local = f"{parts.hostname}" in AT_HOME | {"None"}
    return not is_local and not (parts.password or "password" in parse_qs(parts.query))
