"""One turn of an ingestion worker: whoever is next in the line, and others in between.

While a large file is read, small ones that come meanwhile are read between its batches: a worker
alone is enough that nobody waits for a book.
"""

import logging
from time import monotonic

from rq.timeouts import BaseTimeoutException

from knowledge.explaining import run_tests
from knowledge.ingestion import Pass, ingest_many
from knowledge.line import next_ids

# Between two looks at the line.
PAUSE_SECONDS = 1.0

logger = logging.getLogger(__name__)


def take_turn() -> None:
    """Reads the next one in the line, or a group of small ones.

    Those that another worker took at the same moment are no turn: then the next ones are read.
    """
    while ids := next_ids():
        # In a group all are small: they are over soon, and nobody has to pass.
        if ingest_many(ids, let_pass=_let_pass() if len(ids) == 1 else lambda: None):
            return


def _let_pass() -> Pass:
    """Reads small ones that wait, and tries questions out, at most once a second."""
    last = monotonic()

    def let_pass() -> None:
        nonlocal last
        if monotonic() - last < PAUSE_SECONDS:
            return
        run_tests()
        try:
            ingest_many(next_ids(only_small=True))
        except BaseTimeoutException:
            raise
        except Exception:
            # It has been given back to the line; the large one has nothing to do with it.
            logger.exception("a file that passed a larger one failed")
        last = monotonic()

    return let_pass
