"""Is the process alive (`/healthz`), and would a question be answered now (`/readyz`)?

Public: says which parts answer and nothing about what is inside them.
"""

from collections.abc import Callable
from functools import cache

import psycopg
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError

from knowledge.indexes import keyword_gap
from phi3site.jobs import INGESTION, TRAINING, workers_of
from phi3site.valkey import prompt_client

CONNECT_SECONDS = 2


class PartMissing(Exception):
    """A part of the site does not answer; the text says what is known."""


@never_cache
@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    """200 while the process runs; asks nobody."""
    return HttpResponse("ok", content_type="text/plain")


@never_cache
@require_safe
def readyz(_request: HttpRequest) -> JsonResponse:
    """200 when every part answers, else 503 with what is missing."""
    parts = {name: _state(check) for name, check in CHECKS.items()}
    missing = [name for name, part in parts.items() if not part["ok"]]
    body = {"ready": not missing, "missing": missing, "parts": parts}
    answer = JsonResponse(body, status=503 if missing else 200)
    answer._has_been_logged = True  # type: ignore[attr-defined]  # probes come every second
    return answer


def _state(check: Callable[[], str]) -> dict[str, bool | str]:
    try:
        return {"ok": True, "detail": check()}
    except PartMissing as reason:
        return {"ok": False, "detail": str(reason)}
    except (psycopg.Error, RedisError):
        return {"ok": False, "detail": "does not answer"}


def _postgres() -> str:
    with short_connection() as postgres:
        version = postgres.info.server_version
    return f"version {version // 10000}.{version % 10000}"


def applied_migrations() -> str:
    """Raises PartMissing unless this code's newest migrations are all in the database."""
    with short_connection() as postgres:
        try:
            rows = postgres.execute("SELECT app, name FROM django_migrations").fetchall()
        except psycopg.errors.UndefinedTable as error:
            raise PartMissing("none applied") from error
    left = _newest_migrations() - {(str(app), str(name)) for app, name in rows}
    if left:
        raise PartMissing(f"{len(left)} apps have migrations left: run manage.py migrate")
    return "applied"


def _keyword_index() -> str:
    """Questions are answered without it, too: it says so, and takes nobody out of service."""
    with short_connection() as postgres:
        return keyword_gap(postgres.cursor()) or "answers"


def _valkey() -> str:
    prompt_client().ping()
    return "answers"


def _engine() -> str:
    workers = sum(1 for _ in prompt_client().scan_iter(match="engine:heartbeat:*", count=1000))
    if not workers:
        raise PartMissing("no engine has reported within its heartbeat")
    return f"{workers} running"


def _worker_of(queue: str) -> Callable[[], str]:
    def check() -> str:
        running = workers_of(queue)
        if not running:
            raise PartMissing("no worker listens to this queue")
        return f"{running} running"

    return check


def short_connection() -> "psycopg.Connection[tuple[object, ...]]":
    """Beside the pool, whose queue would make a probe wait for long."""
    parameters = connection.get_connection_params() | {"connect_timeout": CONNECT_SECONDS}
    return psycopg.connect(**parameters)


@cache
def _newest_migrations() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None).graph.leaf_nodes())


CHECKS: dict[str, Callable[[], str]] = {
    "postgres": _postgres,
    "migrations": applied_migrations,
    "keyword index": _keyword_index,
    "valkey": _valkey,
    "engine": _engine,
    "ingestion worker": _worker_of(INGESTION),
    "training worker": _worker_of(TRAINING),
}
