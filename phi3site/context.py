"""What every page may show of the site: which base model is loaded, and whether it answers."""

import json
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from redis.exceptions import RedisError

from phi3site.valkey import prompt_client


def site(request: HttpRequest) -> dict[str, Any]:
    """Template variables under the name `site`; the engine is asked only when a page shows it."""
    return {"site": Site()}


class Site:
    """Read lazily by templates."""

    name = "Phi-3 expert"

    def __init__(self) -> None:
        self._heartbeat: dict[str, Any] | None = None

    @property
    def engine(self) -> dict[str, Any]:
        """The newest heartbeat of an engine worker, empty when there is none."""
        if self._heartbeat is None:
            self._heartbeat = engine_heartbeat()
        return self._heartbeat

    @property
    def engine_ready(self) -> bool:
        """Whether some engine worker is alive."""
        return bool(self.engine)

    @property
    def demo_sign_ins(self) -> list[dict[str, str]]:
        """The demo accounts, for the sign-in page of a demo."""
        if not settings.DEMO:
            return []
        from phi3site.demo.people import PASSWORD, PEOPLE

        return [{"username": p.username, "password": PASSWORD, "role": p.role} for p in PEOPLE]

    @property
    def base_model(self) -> str:
        """The loaded base model's name, or the configured one while none is loaded."""
        return str(self.engine.get("base_model") or settings.BASE_MODEL.rsplit("/", 1)[-1])

    @property
    def is_demo_model(self) -> bool:
        """Whether the small demo model answers instead of Phi-3 itself."""
        return bool(self.engine.get("is_demo"))


def engine_heartbeat() -> dict[str, Any]:
    """The heartbeat of one live engine worker; empty when none lives or Valkey is away."""
    try:
        for key in prompt_client().scan_iter("engine:heartbeat:*", count=100):
            value = prompt_client().get(key)
            if isinstance(value, bytes):
                heartbeat: dict[str, Any] = json.loads(value)
                return heartbeat
    except RedisError:
        pass
    return {}
