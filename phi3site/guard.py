"""Waits until its supervisor is gone, then ends what the supervisor left behind.

Started by `processes.start_guard`; its standard input closes when the supervisor dies.
"""

import sys
import time

from phi3site.processes import end_marked, marked

# Seconds that the left-behind have to stop by themselves.
GRACE = 5.0


def main(prefix: str) -> None:
    """Blocks on standard input, grants the grace, kills the rest."""
    sys.stdin.buffer.read()
    deadline = time.monotonic() + GRACE
    while marked(prefix) and time.monotonic() < deadline:
        time.sleep(0.1)
    while end_marked(prefix):
        time.sleep(0.05)


if __name__ == "__main__":
    main(sys.argv[1])
