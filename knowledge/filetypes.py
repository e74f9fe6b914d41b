"""What a file is, decided by its content: the first bytes and, for office files, the names inside.

Nothing is parsed or inflated here, so a hostile file costs nothing. Knows no database.
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path

from knowledge.errors import UploadRefused

_OOXML = "application/vnd.openxmlformats-officedocument."


@dataclass(frozen=True)
class FileType:
    """A kind of file that can be read."""

    media_type: str
    label: str
    extensions: tuple[str, ...]


PDF = FileType("application/pdf", "PDF", ("pdf",))
DOCX = FileType(_OOXML + "wordprocessingml.document", "Word document", ("docx",))
PPTX = FileType(_OOXML + "presentationml.presentation", "PowerPoint presentation", ("pptx",))
XLSX = FileType(_OOXML + "spreadsheetml.sheet", "Excel workbook", ("xlsx",))
CSV = FileType("text/csv", "CSV table", ("csv",))
TSV = FileType("text/tab-separated-values", "TSV table", ("tsv", "tab"))
HTML = FileType("text/html", "HTML page", ("html", "htm"))
MARKDOWN = FileType("text/markdown", "Markdown", ("md", "markdown"))
TEXT = FileType("text/plain", "plain text", ("txt", "text", "log"))
JSON = FileType("application/json", "JSON", ("json",))
JSONL = FileType("application/x-ndjson", "JSON lines", ("jsonl", "ndjson"))
EML = FileType("message/rfc822", "e-mail", ("eml",))

OFFICE = {"word/document.xml": DOCX, "ppt/presentation.xml": PPTX, "xl/workbook.xml": XLSX}
# Text in different clothes: which of them it is, only the name can tell.
TEXTUAL = (CSV, TSV, HTML, MARKDOWN, TEXT, JSON, JSONL, EML)
ACCEPTED = (PDF, DOCX, PPTX, XLSX, *TEXTUAL)
BY_EXTENSION = {extension: kind for kind in ACCEPTED for extension in kind.extensions}
BY_MEDIA_TYPE = {kind.media_type: kind for kind in ACCEPTED}
# For the file chooser of a form.
ACCEPT_ATTRIBUTE = ",".join(f".{extension}" for extension in BY_EXTENSION)

_FOREIGN = (
    (b"\x7fELF", "program"),
    (b"MZ", "Windows program"),
    (b"\x89PNG", "PNG picture"),
    (b"\xff\xd8\xff", "JPEG picture"),
    (b"GIF8", "GIF picture"),
    (b"\xd0\xcf\x11\xe0", "old or encrypted Office file"),
    (b"{\\rtf", "RTF document"),
    (b"\x1f\x8b", "gzip archive"),
    (b"7z\xbc\xaf", "7-Zip archive"),
    (b"Rar!", "RAR archive"),
    (b"\x80\x02", "pickle"),
    (b"\x80\x04", "pickle"),
)
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
MAX_ENTRIES = 20_000
MAX_INFLATED = 2 * 1024**3


def detect(path: Path, filename: str) -> FileType:
    """The file's type. Raises UploadRefused when it can't be read or isn't what its name says."""
    extension = filename.rsplit(".", 1)[-1].lower() if "." in filename else ""
    named = BY_EXTENSION.get(extension)
    found = _by_content(path, named)
    if isinstance(found, str):
        raise _refused(filename, named, found)
    if found in TEXTUAL:
        if named is None:
            raise UploadRefused(
                f"“{filename}”: files ending in “.{extension}” can't be read. Possible are "
                f"{', '.join(sorted(BY_EXTENSION))}."
                if extension
                else f"“{filename}” has no ending that tells its type. Rename it, e.g. to .txt.",
                code="type_unknown",
            )
        if named not in TEXTUAL or (found is HTML and named not in (HTML, TEXT, MARKDOWN, EML)):
            raise _refused(filename, named, found.label)
        return named
    if named is not found and extension:
        raise _refused(filename, named, found.label, extension)
    return found


def _refused(
    filename: str, named: FileType | None, found: str, extension: str = ""
) -> UploadRefused:
    if named is None and not extension:
        return UploadRefused(
            f"“{filename}” is a {found}, which can't be read. Possible are "
            f"{', '.join(sorted(BY_EXTENSION))}.",
            code="type_unknown",
        )
    name = named.label if named else f".{extension}"
    return UploadRefused(
        f"“{filename}” is named as {name} but is a {found} by its content. "
        "Upload the original file, or give it the right ending.",
        code="type_mismatch",
    )


def _by_content(path: Path, named: FileType | None) -> FileType | str:
    """A type we read, or the name of one we don't. Text of any kind is HTML or TEXT."""
    with path.open("rb") as file:
        head = file.read(4096)
    if b"%PDF-" in head[:1024]:
        return PDF
    if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return _zip(path)
    for magic, label in _FOREIGN:
        if head.startswith(magic):
            return label
    if head.startswith(_BOMS[1:]):
        return TEXT
    if b"\0" in head and named is not TEXT:
        return "binary file"
    start = head.removeprefix(_BOMS[0]).lstrip()[:256].lower()
    return HTML if start.startswith((b"<!doctype html", b"<html")) else TEXT


def _zip(path: Path) -> FileType | str:
    """An office file by the names in its central directory; nothing is inflated."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise UploadRefused(
            "The file is damaged: its table of contents can't be read. Save it again.",
            code="file_damaged",
        ) from error
    names = [entry.filename for entry in entries]
    if (
        len(entries) > MAX_ENTRIES
        or len(set(names)) < len(names)
        or sum(entry.file_size for entry in entries) > MAX_INFLATED
    ):
        raise UploadRefused(
            "The file unpacks to more than any document needs, so it was not opened.",
            code="archive_bomb",
        )
    return next((kind for name, kind in OFFICE.items() if name in set(names)), "ZIP archive")
