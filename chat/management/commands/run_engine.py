"""`manage.py run_engine`: answers questions until it is told to end."""

import asyncio
import logging
import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chat.engine import EngineError
from chat.engines import start_engine
from chat.threads import in_thread
from chat.worker import EngineDied, Worker, configured_slots
from knowledge import embedding
from knowledge.errors import KnowledgeError

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    """Loads the base model and the encoder, then serves the queue of questions."""

    help = "Runs an engine worker: loads the base model and answers questions."

    def handle(self, *args: Any, **options: Any) -> None:
        """Ends with 0 when told to, with an error when the engine can't start or has died."""
        try:
            engine = start_engine()
        except (EngineError, OSError) as error:
            raise CommandError(f"The engine can't start: {error}") from error
        try:
            asyncio.run(_serve(Worker(engine, slots=configured_slots())))
        except EngineDied as error:
            raise CommandError(str(error)) from error
        finally:
            engine.close()


async def _serve(worker: Worker) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, worker.end)
    # Loading it takes seconds: a question that comes now waits for it in its turn.
    encoder = asyncio.ensure_future(in_thread(_load_encoder)())
    logger.info("engine worker %s is ready", worker.name)
    await worker.run()
    await encoder


def _load_encoder() -> None:
    """An encoder that is away fails the questions that search, which try it again each time."""
    try:
        embedding.get_encoder()
    except KnowledgeError as error:
        logger.warning("questions that search have no encoder yet: %s", error)
