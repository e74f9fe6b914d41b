"""A page of a PDF as a picture: drawn once, in a child process with limits, then kept.

Knows no request; who may see it is decided before.
"""

import shutil
import tempfile
from pathlib import Path
from uuid import UUID

from django.conf import settings

from knowledge.errors import KnowledgeError
from knowledge.extraction import ChildEnded, run_child
from knowledge.models import DocumentVersion
from knowledge.storage import no_room_is_said, path_of

SECONDS = 20
MEGABYTES = 1024


def picture_of_page(version: DocumentVersion, number: int) -> Path:
    """The PNG of a page. Raises KnowledgeError when it can't be drawn."""
    folder = _folder(version.pk)
    picture = folder / f"{number}.png"
    if picture.is_file():
        return picture
    source = path_of(version.file.name)
    with no_room_is_said():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(prefix="picture-", dir=folder) as workplace:
            drawn = Path(workplace) / "page.png"
            arguments = [str(source), str(number), str(drawn), str(SECONDS), str(MEGABYTES)]
            try:
                run_child("knowledge.picture_child", arguments, SECONDS, workplace)
            except ChildEnded as error:
                raise KnowledgeError(
                    "This page can't be shown as a picture. Open the original file instead.",
                    code="page_unreadable",
                ) from error
            # In one step, so that two readers at once never see half a picture.
            drawn.replace(picture)
    return picture


def forget_pictures(version_id: UUID) -> None:
    """Removes all pictures of a version."""
    shutil.rmtree(_folder(version_id), ignore_errors=True)


def _folder(version_id: UUID) -> Path:
    return Path(settings.MEDIA_ROOT) / "pages" / version_id.hex
