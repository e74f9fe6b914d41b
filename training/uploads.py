"""A table waits between its upload and the choice of its columns, for a day at most.

Part of a dataset's story before import; reads the header and a few rows only.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import IO, Any

from django.core.files import File
from django.utils import timezone

from training.columns import Columns, guess_columns, is_plain
from training.datasets import import_dataset
from training.models import Dataset, Upload
from training.reading import needs_columns, suffix_of
from training.sheets import open_sheet

KEPT = timedelta(days=1)


def is_unclear(filename: str, file: IO[bytes]) -> bool:
    """Whether a person must say what the columns mean; raises DatasetRefused."""
    if not needs_columns(filename):
        return False
    file.seek(0)
    header = open_sheet(suffix_of(filename), file).header
    file.seek(0)
    return not is_plain(header)


def keep_upload(name: str, file: IO[bytes], *, filename: str, actor: Any) -> Upload:
    """Keeps the file until its columns are chosen, for a day at most."""
    forget_uploads()
    upload = Upload(name=name.strip(), filename=filename[-255:], created_by=actor)
    upload.file.save(filename, File(file), save=False)
    upload.save(force_insert=True)
    return upload


def look_into(upload: Upload) -> tuple[list[str], list[list[str]]]:
    """The names of the columns, and the first rows."""
    with upload.file.open("rb") as file:
        sheet = open_sheet(suffix_of(upload.filename), file)
        return sheet.header, sheet.samples()


def guess_meaning(header: Sequence[str]) -> dict[str, str]:
    """As a person last chose for columns of these names, else by what they are called."""
    latest = Dataset.objects.exclude(columns={}).order_by("-created_at")
    for columns in latest.values_list("columns", flat=True)[:50]:
        if set(columns.values()) <= set(header):
            return dict(columns)
    return guess_columns(header)


def import_upload(upload: Upload, columns: Columns, *, actor: Any) -> Dataset:
    """The dataset of the kept file; raises DatasetRefused and keeps the file then."""
    with upload.file.open("rb") as file:
        dataset = import_dataset(
            upload.name, file, actor=actor, filename=upload.filename, columns=columns
        )
    discard_upload(upload)
    return dataset


def discard_upload(upload: Upload) -> None:
    """Row and file; the row first, so that none ever names a file that is gone."""
    upload.delete()
    upload.file.delete(save=False)


def forget_uploads() -> int:
    """Discards what nobody came back for; says how many."""
    old = list(Upload.objects.filter(created_at__lt=timezone.now() - KEPT))
    for upload in old:
        discard_upload(upload)
    return len(old)
