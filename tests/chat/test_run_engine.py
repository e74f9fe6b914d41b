"""The engine worker serves at once; its encoder loads beside it and may be away."""

import asyncio
import logging
import threading

import pytest

from chat.management.commands import run_engine
from knowledge import embedding
from knowledge.errors import EncoderUnavailable


class Asked:
    """A worker whose one question arrives when it begins to run."""

    name = "asked"

    def __init__(self):
        self.served = threading.Event()

    def end(self):
        self.served.set()

    async def run(self):
        self.served.set()


def serve(worker):
    asyncio.run(run_engine._serve(worker))


@pytest.mark.django_db(transaction=True)
def test_serving_does_not_wait_for_the_encoder(monkeypatch):
    worker, seen = Asked(), []

    def load_when_served():
        seen.append(worker.served.wait(20))

    monkeypatch.setattr(embedding, "get_encoder", load_when_served)
    serve(worker)
    assert seen == [True]


@pytest.mark.django_db(transaction=True)
def test_an_encoder_that_is_away_is_told_and_does_not_end_the_worker(monkeypatch, caplog):
    def away():
        raise EncoderUnavailable("The embeddings server does not answer.")

    monkeypatch.setattr(embedding, "get_encoder", away)
    with caplog.at_level(logging.WARNING):
        serve(worker := Asked())
    assert worker.served.is_set()
    assert "The embeddings server does not answer." in caplog.text
