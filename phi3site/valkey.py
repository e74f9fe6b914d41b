"""Connections to Valkey (or Redis): one pool a process, sync and async. Imports none of ours."""

from functools import cache

import redis
import redis.asyncio
from django.conf import settings


@cache
def client() -> "redis.Redis":
    """The process's synchronous client; answers are bytes."""
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5, health_check_interval=30)


def async_client(*, timeout: float | None = 5) -> "redis.asyncio.Redis":
    """A new asynchronous client, bound to the running event loop; the caller closes it.

    `timeout` in seconds must exceed the longest blocking read; None waits for ever.
    """
    return redis.asyncio.Redis.from_url(
        settings.REDIS_URL, socket_timeout=timeout, health_check_interval=30
    )
