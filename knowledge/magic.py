"""Files that can't be read, told by their first bytes, so that a refusal names them.

Knows no type that is read (see filetypes).
"""

from pathlib import Path

PICTURES = {
    *("PNG picture", "JPEG picture", "GIF picture", "TIFF picture", "BMP picture"),
    *("WebP picture", "HEIC picture", "icon"),
}
# Bytes, where they stand, what they mean.
FOREIGN = (
    (b"\x7fELF", 0, "program"),
    (b"MZ", 0, "Windows program"),
    (b"\xca\xfe\xba\xbe", 0, "Java program"),
    (b"\x89PNG", 0, "PNG picture"),
    (b"\xff\xd8\xff", 0, "JPEG picture"),
    (b"GIF8", 0, "GIF picture"),
    (b"II*\0", 0, "TIFF picture"),
    (b"MM\0*", 0, "TIFF picture"),
    (b"\0\0\1\0", 0, "icon"),
    (b"WEBP", 8, "WebP picture"),
    (b"ftyphei", 4, "HEIC picture"),
    (b"ftyp", 4, "video"),
    (b"ID3", 0, "MP3 sound"),
    (b"OggS", 0, "Ogg sound"),
    (b"\x1aE\xdf\xa3", 0, "video"),
    (b"\x1f\x8b", 0, "gzip archive"),
    (b"BZh", 0, "bzip2 archive"),
    (b"\xfd7zXZ", 0, "xz archive"),
    (b"(\xb5/\xfd", 0, "Zstandard archive"),
    (b"7z\xbc\xaf", 0, "7-Zip archive"),
    (b"Rar!", 0, "RAR archive"),
    (b"ustar", 257, "tar archive"),
    (b"SQLite format 3", 0, "SQLite database"),
    (b"\x80\x02", 0, "pickle"),
    (b"\x80\x04", 0, "pickle"),
    (b"\x80\x05", 0, "pickle"),
    (b"%!PS", 0, "PostScript file"),
)
# Archives that name themselves in their first entry.
CONTAINERS = (
    (b"epub+zip", "EPUB book"),
    (b"vnd.oasis.opendocument.spreadsheet", "OpenDocument spreadsheet — Save it as .xlsx or .csv."),
    (b"vnd.oasis.opendocument.presentation", "OpenDocument slides — Save them as .pptx."),
    (b"vnd.oasis.opendocument.graphics", "OpenDocument drawing — Save it as .pdf."),
)
# What the directory of an old Office file holds, by which it is told apart.
_STREAMS = (
    ("EncryptedPackage", "password-protected Office file"),
    ("WordDocument", "Word document of 1997-2003 — Save it as .docx."),
    ("PowerPoint Document", "PowerPoint presentation of 1997-2003 — Save it as .pptx."),
    ("__substg1.0_", "Outlook message — Save it as .eml."),
    ("Workbook", "Excel workbook of 1997-2003 — Save it as .xlsx."),
    ("Book", "Excel workbook of 1995 — Save it as .xlsx."),
)
_SEARCHED = 16 * 1024**2


def old_office(path: Path) -> str:
    """Which of the formats before 2007 this is."""
    with path.open("rb") as file:
        data = file.read(_SEARCHED)
    for name, label in _STREAMS:
        if name.encode("utf-16-le") in data:
            return label
    return "Office file of 1997-2003 — Save it in a format of today."
