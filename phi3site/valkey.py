"""Connections to Valkey (or Redis): one pool a process, sync and async. Imports none of ours."""

from functools import cache

import redis
import redis.asyncio
from django.conf import settings
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as ConnectionFailed
from redis.retry import Retry


@cache
def client() -> "redis.Redis":
    """The process's synchronous client; answers are bytes."""
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5, health_check_interval=30)


@cache
def prompt_client() -> "redis.Redis":
    """A client for requests that somebody waits for: it gives up within a second.

    A connection that broke while idle is opened again once; a silent server is not asked twice.
    """
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=0.4,
        socket_connect_timeout=0.4,
        retry=Retry(NoBackoff(), 1, supported_errors=(ConnectionFailed,)),
    )


def async_client(*, timeout: float | None = 5) -> "redis.asyncio.Redis":
    """A new asynchronous client, bound to the running event loop; the caller closes it.

    `timeout` in seconds must exceed the longest blocking read; None waits for ever.
    """
    return redis.asyncio.Redis.from_url(
        settings.REDIS_URL, socket_timeout=timeout, health_check_interval=30
    )
