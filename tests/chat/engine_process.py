"""An engine worker in a process of its own, to be killed: `python engine_process.py DELAY`.

The echo engine and the hash encoder stand in for the models; everything else is the product.
"""

import asyncio
import os
import signal
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "phi3site.settings")
django.setup()

from chat.engine import get_engine  # noqa: E402
from chat.worker import Worker  # noqa: E402
from knowledge import embedding  # noqa: E402
from tests.fakes import HashEncoder  # noqa: E402


async def serve(delay):
    worker = Worker(get_engine("echo", delay=delay), slots=4)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.end)
    await worker.run()


if __name__ == "__main__":
    embedding.get_encoder = HashEncoder
    asyncio.run(serve(float(sys.argv[1])))
