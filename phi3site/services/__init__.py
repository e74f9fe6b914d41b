"""The embedded Postgres and Valkey of one data folder, for whoever has none of their own.

Knows nothing of Django: it hands out addresses.
"""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from phi3site.bootstrap import SetupError
from phi3site.services.holding import AlreadyHeld, Hold
from phi3site.services.places import find_places
from phi3site.services.postgres import Postgres
from phi3site.services.valkey import Valkey

__all__ = ["AlreadyHeld", "Services"]


class Services:
    """Holds a data folder and runs there what is asked for; a context manager.

    `durable=False` is for throw-away folders of tests: a power cut may damage them.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        command: str,
        postgres: bool = True,
        valkey: bool = True,
        durable: bool = True,
    ) -> None:
        self.data_dir, self.command, self.durable = data_dir, command, durable
        self.logs = data_dir / "logs"
        self._wants = (postgres, valkey)
        self._undo = ExitStack()
        self._holds: list[Hold] = []
        self.servers: list[Postgres | Valkey] = []
        self.addresses: dict[str, str] = {}

    def __enter__(self) -> Self:
        self._holds, self.servers, self.addresses = [], [], {}
        with ExitStack() as undo:
            self._hold(self.data_dir, undo)
            self.logs.mkdir(parents=True, exist_ok=True)
            if any(self._wants):
                self._start(undo)
            self._holds[0].tell(self.addresses)
            self._undo = undo.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._undo.close()

    def revive(self, tell: Callable[[str], None]) -> None:
        """Starts a server again that died under us; one that will not start is tried again."""
        for server in self.servers:
            if server.process and server.process.poll() is not None:
                tell(f"{type(server).__name__} ended ({server.process.returncode}); starting again")
                try:
                    server.start()
                except SetupError as error:
                    tell(str(error))

    def await_borrowers(self) -> None:
        """Blocks until no other command uses these services."""
        self._holds[0].await_borrowers()

    def _start(self, undo: ExitStack) -> None:
        places = find_places(self.data_dir)
        if places.state != self.data_dir / "services":
            # Kept elsewhere: a copied data folder must not run the same database twice.
            self._hold(places.state, undo)
        if self._wants[0]:
            self._serve(Postgres(places, self.logs, durable=self.durable), undo)
            self.addresses["DATABASE_URL"] = self.servers[-1].url
        if self._wants[1]:
            self._serve(Valkey(places, self.logs), undo)
            self.addresses["REDIS_URL"] = self.servers[-1].url

    def _serve(self, server: Postgres | Valkey, undo: ExitStack) -> None:
        undo.callback(server.stop)
        server.start()
        self.servers.append(server)

    def _hold(self, folder: Path, undo: ExitStack) -> None:
        hold = Hold(folder, self.command)
        undo.callback(hold.release)
        self._holds.append(hold)
