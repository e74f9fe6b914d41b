"""Before a start: what must hold on this machine, the variables of the site's processes, and which
slow steps an earlier start has done already.
"""

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from phi3site.bootstrap import ROOT, SetupError
from phi3site.network import allowed_hosts

NEEDED_BYTES = 1024**3
APPS = ("phi3site", "phi3site/audit", "knowledge", "chat", "training")


def check_space(data_dir: Path) -> None:
    """Raises SetupError where a database would soon stop for want of room."""
    free = shutil.disk_usage(data_dir).free
    if free < NEEDED_BYTES:
        raise SetupError(
            "disk_full",
            f"Only {free / 1e9:.1f} GB are free at {data_dir}. Free at least 1 GB, or use another "
            "disk with --data-dir.",
        )


def check_base_model(name: str) -> None:
    """Raises SetupError for a folder that is not there; names on the hub are left to the engine."""
    if name.startswith(("/", ".")) and not Path(name).is_dir():
        raise SetupError(
            "no_base_model",
            f"BASE_MODEL names a folder that is not there: {name}. Give the folder of a model, "
            "a name on the hub, or leave it out for the demo model.",
        )


def site_environment(host: str, data_dir: Path, addresses: dict[str, str]) -> dict[str, str]:
    """The variables of every process of the site; the person's own ones win."""
    env = {**os.environ, **addresses, "DATA_DIR": str(data_dir), "PYTHONUNBUFFERED": "1"}
    env.setdefault("ALLOWED_HOSTS", allowed_hosts(host))
    env.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    env.setdefault("TQDM_DISABLE", "1")  # progress bars are for terminals, not for logs
    models = ("BASE_MODEL", "KNOWLEDGE_ENCODER", "KNOWLEDGE_RERANKER")
    if all(Path(env.get(name) or "/").exists() for name in models):
        env.setdefault("HF_HUB_OFFLINE", "1")  # every model is a folder here
    return env


@dataclass(frozen=True)
class Stamp:
    """Remembers that a step was done with these very files of our apps, and with `more`."""

    data_dir: Path
    # The folder of each app whose files count, and which of them.
    folder: str
    pattern: str
    more: str

    @property
    def is_current(self) -> bool:
        """True when nothing has changed since it was written."""
        return self._path.exists() and self._path.read_text() == self.digest()

    def write(self) -> None:
        """To be called once the step is done."""
        self._path.write_text(self.digest())

    def digest(self) -> str:
        """Changes with any file's name or time."""
        digest = hashlib.sha256(self.more.encode())
        for app in APPS:
            for path in sorted((ROOT / app / self.folder).glob(self.pattern)):
                digest.update(f"{path} {path.stat().st_mtime_ns}".encode())
        return digest.hexdigest()

    @property
    def _path(self) -> Path:
        return self.data_dir / f"{self.folder}.sha256"
