"""An adapter that was made elsewhere becomes a candidate here, or is refused with the reason.

Its zip is opened with suspicion, its layers are compared with the base model's, and what other
names spell is written anew under Phi-3's. Which base it was trained on no file can prove: that is
stated by the person who imports it, and kept in the manifest.
"""

import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any
from uuid import uuid4

from django.conf import settings

from chat.adapters import FORBIDDEN_SUFFIXES, register_adapter
from chat.bases import base_fingerprint, find_base, linear_shapes, read_config
from chat.errors import AdapterRefused
from chat.fingerprints import ADAPTER_FILES, write_manifest
from chat.lora_config import TARGETS, NotServable
from chat.models import Adapter
from knowledge.archives import names_in
from knowledge.errors import UploadRefused
from knowledge.models import Collection

if TYPE_CHECKING:
    from chat.conversion import Diagnosis

BLOCK = 1 << 20
METHOD = "imported"


def import_adapter(
    file: IO[bytes], *, name: str, collections: Iterable[Collection] = (), actor: Any
) -> Adapter:
    """A candidate from a zip with a PEFT folder; raises AdapterRefused or BaseMissing."""
    base = find_base()
    with _unpacked(file) as folder, _place() as place:
        try:
            diagnosis, difference = _take(folder, place, base)
        except NotServable as reason:
            raise AdapterRefused(
                f"The adapter can't be used with {base.name}: {reason}. Nothing was imported."
            ) from reason
        fingerprint = base_fingerprint(base)
        facts = {**diagnosis.as_dict(), "difference": difference, "base_is_stated": True}
        write_manifest(place, base=fingerprint, details={"imported": facts})
        return register_adapter(
            place,
            name=name,
            base_model=base.name,
            method=METHOD,
            rank=diagnosis.fused_rank if diagnosis.is_converted else diagnosis.rank,
            target_modules=list(diagnosis.covered),
            metrics={},
            collections=collections,
            actor=actor,
            expected_base=fingerprint,
        )


def _take(folder: Path, place: Path, base: Path) -> "tuple[Diagnosis, float]":
    """Brings the files into place, converted where they must be."""
    # numpy takes megabytes that a web process mostly does without.
    from chat.conversion import convert, diagnose, part_rows
    from chat.matrices import Source

    config, source = read_config(base), Source(folder)
    shapes = {
        name.removesuffix(".weight"): shape
        for name, shape in linear_shapes(base).items()
        if name.removesuffix(".weight").rpartition(".")[2] in TARGETS
    }
    rows = part_rows(config)
    diagnosis = diagnose(source, shapes, rows)
    rank = diagnosis.fused_rank if diagnosis.is_converted else diagnosis.rank
    if rank > settings.CHAT_ADAPTER_RANK:
        raise NotServable(
            f"its rank, {rank} in Phi-3's layers, is above the {settings.CHAT_ADAPTER_RANK} that "
            "the engine serves; CHAT_ADAPTER_RANK raises that"
        )
    if diagnosis.is_converted:
        return diagnosis, convert(source, diagnosis, shapes, rows, place)
    for name in source.tensors:
        source.bits(name)  # refuses what is not finite
    for file in ADAPTER_FILES:
        shutil.copyfile(folder / file, place / file)
    return diagnosis, 0.0


@contextmanager
def _unpacked(file: IO[bytes]) -> Iterator[Path]:
    """The two files of the adapter in a temporary folder."""
    with tempfile.TemporaryDirectory(dir=settings.DATA_DIR) as made:
        folder = Path(made)
        path = folder / "upload.zip"
        with path.open("wb") as upload:
            shutil.copyfileobj(file, upload, BLOCK)
        try:
            names = names_in(path)
        except UploadRefused as error:
            raise AdapterRefused(error.message, code="adapter_archive") from error
        chosen = _choose(names)
        with zipfile.ZipFile(path) as archive:
            for name in chosen:
                with (
                    archive.open(name) as packed,
                    (folder / PurePosixPath(name).name).open("xb") as plain,
                ):
                    shutil.copyfileobj(packed, plain, BLOCK)
        path.unlink()
        yield folder


def _choose(names: Iterable[str]) -> list[str]:
    """The adapter's two files, at the top or in one folder; refuses pickles beside them."""
    paths = [PurePosixPath(name) for name in names]
    if pickles := sorted(p.name for p in paths if p.suffix.lower() in FORBIDDEN_SUFFIXES):
        raise AdapterRefused(
            f"The zip holds {', '.join(pickles[:5])}, which can run code. Save the adapter with "
            "safe_serialization=True and leave such files out.",
            code="adapter_pickle",
        )
    chosen = [str(path) for path in paths if path.name in ADAPTER_FILES]
    if sorted(PurePosixPath(name).name for name in chosen) != sorted(ADAPTER_FILES):
        raise AdapterRefused(
            f"The zip needs exactly one {' and one '.join(ADAPTER_FILES)}, as peft's "
            "save_pretrained writes them.",
            code="adapter_incomplete",
        )
    return chosen


@contextmanager
def _place() -> Iterator[Path]:
    """A folder among the adapters, gone again when the import fails."""
    folder = settings.DATA_DIR / "adapters" / str(uuid4())
    folder.mkdir(parents=True)
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
