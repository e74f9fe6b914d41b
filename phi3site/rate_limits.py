"""Brakes: how often something may be tried in a while, counted in Valkey for all processes.

Knows nothing of what is tried. While Valkey is away nothing is held back.
"""

import hashlib
import logging
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from redis.exceptions import RedisError

from phi3site.valkey import prompt_client

logger = logging.getLogger(__name__)

# Counts and starts the clock in one step: a counter without an end can't come about.
TAKE = """
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return {count, redis.call('TTL', KEYS[1])}
"""


@dataclass(frozen=True)
class Limit:
    """At most `times` within `seconds`, for each key."""

    name: str
    times: int
    seconds: int

    def take(self, *key: str) -> int:
        """Counts one try; 0 when it may go ahead, else the seconds to wait."""
        try:
            count, left = prompt_client().eval(TAKE, 1, self._key(key), self.seconds)
        except RedisError:
            logger.warning("limit %s is not counted: Valkey is away", self.name)
            return 0
        return max(int(left), 1) if int(count) > self.times else 0

    def forget(self, *key: str) -> None:
        """Starts again from none."""
        try:
            prompt_client().delete(self._key(key))
        except RedisError:
            logger.warning("limit %s is not reset: Valkey is away", self.name)

    def _key(self, key: tuple[str, ...]) -> str:
        # Hashed: names and addresses of people don't stand in Valkey.
        digest = hashlib.sha256("\x00".join(key).encode("utf-8", "replace")).hexdigest()
        return f"limit:{self.name}:{digest[:32]}"


def client_address(request: HttpRequest) -> str:
    """Who is at the other end, past as many proxies as TRUSTED_PROXIES says are ours.

    What a client writes into X-Forwarded-For stands left of what our proxies append.
    """
    peer = str(request.META.get("REMOTE_ADDR", ""))
    hops = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",")]
    proxies = settings.TRUSTED_PROXIES
    return hops[-proxies] if 0 < proxies <= len(hops) and hops[-proxies] else peer
