"""The embedded Valkey: start, wait, stop. Knows nothing of what is kept in it."""

import signal
import socket
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

from phi3site.bootstrap import SetupError
from phi3site.processes import spawn
from phi3site.services.places import Places

START_SECONDS = 60.0
LEAVE_SECONDS = 10.0


class Valkey:
    """One server on one folder, reachable by a unix socket only; every write goes to disk."""

    def __init__(self, places: Places, logs: Path) -> None:
        self.places = places
        self.socket = places.sockets / "valkey.sock"
        self.log = logs / "valkey.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The site's REDIS_URL."""
        return f"unix://{quote(str(self.socket))}?db=0"

    def start(self) -> None:
        """Returns once the server answers; raises SetupError with the server's reason."""
        self._await_leaving()
        self.socket.unlink(missing_ok=True)
        data = self.places.own(self.places.state / "valkey")
        self.process = spawn(
            self._command(data), log=self.log, account=self.places.account, cwd=Path("/")
        )
        deadline = time.monotonic() + START_SECONDS
        while not answers(self.socket):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SetupError("valkey_failed", self._reason())
            time.sleep(0.01)

    def stop(self) -> None:
        """Ends the server; it writes what it has first."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(LEAVE_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.send_signal(signal.SIGKILL)
                self.process.wait()

    def _command(self, data: Path) -> list[str | Path]:
        options: dict[str, str | Path] = {
            "--port": "0",
            "--unixsocket": self.socket,
            "--unixsocketperm": "700",
            "--dir": data,
            "--appendonly": "yes",
            "--appendfsync": "everysec",
            "--save": "",
            "--maxmemory-policy": "noeviction",
            "--protected-mode": "yes",
            "--enable-debug-command": "no",
        }
        return [self.places.valkey, *(part for option in options.items() for part in option)]

    def _await_leaving(self) -> None:
        """A second server on the same folder would damage it: waits for the first to leave."""
        deadline = time.monotonic() + LEAVE_SECONDS
        while answers(self.socket):
            if time.monotonic() > deadline:
                raise SetupError(
                    "valkey_left_over",
                    f"Another Valkey still answers at {self.socket}. Stop it, then run again.",
                )
            time.sleep(0.05)

    def _reason(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()[-5:] if self.log.exists() else []
        if any("No space left" in line for line in lines):
            return "Valkey does not start: the disk is full. Free some space and run again."
        return f"Valkey does not start: {(lines or ['no reason'])[-1]} (log: {self.log})"


def answers(path: Path) -> bool:
    """True when a server greets at this socket."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        try:
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            # Loading its file is an answer too, but not a greeting.
            return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False
