"""What a file is, decided by its content: the first bytes and, for office files, the names inside.

Nothing is parsed or inflated here, so a hostile file costs nothing. Knows no database.
"""

from dataclasses import dataclass
from pathlib import Path

from knowledge.archives import names_in
from knowledge.errors import UploadRefused
from knowledge.magic import CONTAINERS, FOREIGN, PICTURES, old_office

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
RTF = FileType("application/rtf", "RTF document", ("rtf",))
ODT = FileType("application/vnd.oasis.opendocument.text", "OpenDocument text", ("odt",))

OFFICE = {"word/": DOCX, "ppt/": PPTX, "xl/": XLSX}
# Text in different clothes: which of them it is, only the name can tell.
TEXTUAL = (CSV, TSV, HTML, MARKDOWN, TEXT, JSON, JSONL, EML)
ACCEPTED = (PDF, DOCX, PPTX, XLSX, ODT, RTF, *TEXTUAL)
BY_EXTENSION = {extension: kind for kind in ACCEPTED for extension in kind.extensions}
BY_MEDIA_TYPE = {kind.media_type: kind for kind in ACCEPTED}
# For the file chooser of a form.
ACCEPT_ATTRIBUTE = ",".join(f".{extension}" for extension in BY_EXTENSION)

_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_HEAD = 4096
# Bytes that no text holds; beyond this share a file is binary.
_CONTROLS = bytes({*range(32)} - set(b"\t\n\r\f\x1b"))
_MOST_CONTROLS = 0.08
_MIMETYPE = b"mimetypeapplication/"

__all__ = ["ACCEPTED", "PICTURES", "FileType", "detect", "kind_of_content"]


def detect(path: Path, filename: str) -> FileType:
    """The file's type. Raises UploadRefused when it can't be read or isn't what its name says."""
    extension = filename.rsplit(".", 1)[-1].lower() if "." in filename else ""
    named = BY_EXTENSION.get(extension)
    found = kind_of_content(path, named, look_inside=named is not None or not extension)
    if isinstance(found, str):
        raise _refused(filename, named, found)
    if found in TEXTUAL:
        return _textual(filename, extension, named, found)
    if named is not found and extension:
        raise _refused(filename, named, found.label, extension)
    return found


def _textual(filename: str, extension: str, named: FileType | None, found: FileType) -> FileType:
    """Which text it is: the name says so, unless the content plainly says otherwise."""
    if named is None:
        if found is HTML and not extension:
            return HTML
        raise UploadRefused(
            f"“{filename}”: files ending in “.{extension}” can't be read. {_possible()}"
            if extension
            else f"“{filename}” has no ending that tells its type. Rename it, e.g. to .txt.",
            code="type_unknown",
        )
    if named not in TEXTUAL or (found is HTML and named not in (HTML, TEXT, MARKDOWN, EML)):
        raise _refused(filename, named, found.label)
    return named


def _possible() -> str:
    return f"Possible are {', '.join(sorted(BY_EXTENSION))}."


def _refused(
    filename: str, named: FileType | None, found: str, extension: str = ""
) -> UploadRefused:
    """Names both types, or the one that can't be read; some have a way out."""
    label, _dash, advice = found.partition(" — ")
    if label == "password-protected Office file":
        return UploadRefused(
            f"“{filename}” is protected by a password. Remove the protection and upload it again.",
            code="file_encrypted",
        )
    if named is None and not extension:
        help_ = f"{advice} " if advice else ""
        return UploadRefused(
            f"“{filename}” is of a kind that can't be read: {label}. {help_}{_possible()}",
            code="type_unknown",
        )
    name = named.label if named else f".{extension}"
    return UploadRefused(
        f"“{filename}” is named as {name} but is a {label} by its content. "
        "Upload the original file, or give it the right ending.",
        code="type_mismatch",
    )


def kind_of_content(
    path: Path, named: FileType | None = None, *, look_inside: bool = True
) -> FileType | str:
    """A type we read, or the name of one we don't. Text of any kind is HTML or TEXT."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if _is_pdf(head, named):
        return PDF
    if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return _zip(path, head, named) if look_inside else "ZIP archive"
    if head.startswith(b"{\\rtf"):
        return RTF
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        return old_office(path)
    for magic, offset, label in FOREIGN:
        if head.startswith(magic, offset):
            return label
    if head.startswith(_BOMS[1:]):
        return TEXT
    if _is_binary(head):
        return "binary file"
    start = head.removeprefix(_BOMS[0]).lstrip()[:256].lower()
    return HTML if start.startswith((b"<!doctype html", b"<html")) else TEXT


def _is_pdf(head: bytes, named: FileType | None) -> bool:
    """The mark may come late in a PDF; in a text it may be quoted."""
    if head.lstrip()[:5] == b"%PDF-":
        return True
    return named in (PDF, None) and b"%PDF-" in head[:1024]


def _is_binary(head: bytes) -> bool:
    """By control characters, unless every other byte is zero: UTF-16 without a mark."""
    if not head:
        return False
    zeros = max(head[::2].count(0), head[1::2].count(0)) / max(1, len(head) // 2)
    if b"\0" in head and zeros > 0.4 and min(head[::2].count(0), head[1::2].count(0)) == 0:
        return False
    return len(head) - len(head.translate(None, _CONTROLS)) > _MOST_CONTROLS * len(head)


def _zip(path: Path, head: bytes, named: FileType | None) -> FileType | str:
    """An office file by the names in its central directory; nothing is inflated."""
    names = names_in(path)
    start = head.find(_MIMETYPE)
    if 0 <= start < 100:
        declared = head[start + len(_MIMETYPE) :][:80]
        for mark, label in CONTAINERS:
            if declared.startswith(mark):
                return label
        if declared.startswith(b"vnd.oasis.opendocument.text"):
            return ODT
    if "[Content_Types].xml" in names:
        for folder, kind in OFFICE.items():
            if any(name.startswith(folder) for name in names):
                return kind
    # Some programs pack the declaration of an OpenDocument file: then its name decides.
    return ODT if named is ODT and "content.xml" in names else "ZIP archive"
