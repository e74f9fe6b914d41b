"""A training process that kills itself with SIGKILL, as the out-of-memory killer would.

`DIE_AT=metric:5` dies when it tells of step 5, `DIE_AT=seal:6` in the middle of saving step 6.
"""

import os
import signal
import sys

import training.checkpoints
from training import child, events

KIND, STEP = os.environ["DIE_AT"].split(":")


def die():
    os.kill(os.getpid(), signal.SIGKILL)


class DyingWriter(events.EventWriter):
    def __call__(self, **event):
        super().__call__(**event)
        if (event["type"], event.get("step")) == (KIND, int(STEP)):
            die()


flush = training.checkpoints._flush


def dying_flush(path):
    flush(path)
    if KIND == "seal" and path.name == f"checkpoint-{STEP}":
        die()


child.EventWriter = DyingWriter
training.checkpoints._flush = dying_flush
sys.exit(child.main(sys.argv[1]))
