"""A file of any kind → blocks: by the reader for its type, loaded only when it is needed.

Runs in the child process, under its limits. Knows no database.
"""

from collections.abc import Callable
from pathlib import Path

from knowledge.blocks import Extracted
from knowledge.errors import ExtractionFailed

_OPEN_XML = "application/vnd.openxmlformats-officedocument."


def read_file(path: Path, media_type: str, name: str) -> Extracted:
    """The file's structure. Raises ExtractionFailed with the reason."""
    if media_type == "application/pdf":
        from knowledge import pdf

        return pdf.read(path)
    if media_type in ("text/csv", "text/tab-separated-values"):
        from knowledge import tables

        return tables.read_csv(path, name)
    if media_type == _OPEN_XML + "spreadsheetml.sheet":
        from knowledge import tables

        return _workbook(tables.read_xlsx, path)
    return _read_document(path, media_type)


def _workbook(read: Callable[[Path], Extracted], path: Path) -> Extracted:
    """The library lets faults of its XML parser through."""
    try:
        return read(path)
    except (SyntaxError, TypeError, AttributeError, IndexError) as error:
        raise ExtractionFailed(
            "The workbook is damaged and can't be read. Open it in a spreadsheet program, save it "
            "again, then upload.",
            code="file_damaged",
        ) from error


def _read_document(path: Path, media_type: str) -> Extracted:
    """Documents that are neither pages nor tables."""
    if media_type == _OPEN_XML + "wordprocessingml.document":
        from knowledge.formats import word

        return word.read(path)
    if media_type == _OPEN_XML + "presentationml.presentation":
        from knowledge.formats import slides

        return slides.read(path)
    if media_type == "application/vnd.oasis.opendocument.text":
        from knowledge.formats import opendocument

        return opendocument.read(path)
    if media_type == "application/rtf":
        from knowledge.formats import richtext

        return richtext.read(path)
    if media_type == "message/rfc822":
        from knowledge.formats import mail

        return mail.read(path)
    return _read_text(path, media_type)


def _read_text(path: Path, media_type: str) -> Extracted:
    """Text in different clothes."""
    data = path.read_bytes()
    if media_type == "text/html":
        from knowledge.formats import webpages

        return webpages.read(data)
    if media_type == "text/markdown":
        from knowledge.formats import markdown

        return markdown.read(data)
    if media_type in ("application/json", "application/x-ndjson"):
        from knowledge.formats import records

        return records.read(data, is_lines=media_type.endswith("ndjson"))
    from knowledge.formats import plaintext

    return plaintext.read(data)
