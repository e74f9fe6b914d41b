"""Starts the engine that the settings name. Only engine workers and commands come here."""

from typing import Any, cast

from django.conf import settings

from chat.engine import Engine, EngineError, EngineKind, get_engine


def start_engine() -> Engine:
    """The configured engine, able to answer; raises EngineError with what to change."""
    kind = cast(EngineKind, settings.CHAT_ENGINE)
    options: dict[str, Any] = {}
    if kind == "phi3":
        options = _phi3_options()
    elif kind == "remote":
        if not settings.CHAT_ENGINE_URL:
            raise EngineError("engine_url", "CHAT_ENGINE=remote needs CHAT_ENGINE_URL.")
        options = {"url": settings.CHAT_ENGINE_URL, "api_key": settings.CHAT_ENGINE_KEY}
    return get_engine(kind, base_model=settings.BASE_MODEL, **options)


def _phi3_options() -> dict[str, Any]:
    from chat.engine.batch import BatchLimits

    return {
        "quantisation": settings.CHAT_QUANTISATION or None,
        "limits": BatchLimits(streams=settings.CHAT_BATCH_SIZE),
        "max_adapters": settings.CHAT_ADAPTER_SLOTS,
        "max_rank": settings.CHAT_ADAPTER_RANK,
    }
