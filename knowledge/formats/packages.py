"""Office files as packages: parts of a ZIP archive, read as XML that may not harm.

Every part is bounded before it is inflated; no entity is resolved. Knows no format.
"""

import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from knowledge.errors import ExtractionFailed

# One part of an honest document is smaller than this, inflated.
MAX_PART = 200 * 1024**2
_RELATIONSHIPS = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
_DAMAGED = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    OSError,
    EOFError,
    ValueError,
    RuntimeError,
    NotImplementedError,
)


@dataclass(frozen=True)
class Relationship:
    """One part's reference to another."""

    id: str
    # The last word of its type, such as “notesSlide”.
    kind: str
    target: str


class Package:
    """An opened archive. Raises ExtractionFailed for what is damaged, locked or out of bounds."""

    def __init__(self, path: Path) -> None:
        try:
            self._archive = zipfile.ZipFile(path)
        except _DAMAGED as error:
            raise _damaged() from error
        # Parts whose XML has a fault.
        self.broken: set[str] = set()
        self._sizes = {info.filename: info for info in self._archive.infolist()}

    def __contains__(self, name: str) -> bool:
        return name in self._sizes

    def bytes(self, name: str) -> bytes:
        """A part's content."""
        info = self._sizes.get(name)
        if info is None:
            raise _damaged()
        if info.flag_bits & 1:
            raise ExtractionFailed(
                "The file is protected by a password. Remove the protection and upload it again.",
                code="file_encrypted",
            )
        try:
            with self._archive.open(info) as part:
                # The directory may lie about the size: what counts is what comes out.
                data = part.read(MAX_PART + 1)
        except _DAMAGED as error:
            raise _damaged() from error
        if len(data) > MAX_PART:
            raise ExtractionFailed(
                f"A part of the file unpacks to more than {MAX_PART // 1024**2} MB. Split the "
                "document and try again.",
                code="archive_bomb",
            )
        return data

    def xml(self, name: str) -> etree._Element:
        """A part's XML. One that declares entities of its own is refused."""
        data = self.bytes(name)
        if b"<!ENTITY" in data[:100_000]:
            raise ExtractionFailed(
                "The file declares XML entities, as no office program does: it was not read.",
                code="xml_entities",
            )
        try:
            return etree.fromstring(data, _parser())
        except (etree.LxmlError, ValueError):
            self.broken.add(name)
        try:
            root = etree.fromstring(data, _parser(recover=True))
        except (etree.LxmlError, ValueError) as error:
            raise _damaged() from error
        if root is None:
            raise _damaged()
        return root

    def warnings(self) -> list[str]:
        """That words may be missing, where a part could be read but for a fault."""
        if not self.broken:
            return []
        parts = ", ".join(sorted(self.broken)[:5])
        return [
            f"The file is damaged inside ({parts}): what stands after the fault may be missing."
        ]

    def main_part(self, usual: str) -> str:
        """The document itself, which some programs store under a name of their own."""
        main = (r.target for r in self.relationships("").values() if r.kind == "officeDocument")
        found = next(main, usual)
        return found if found in self else usual

    def parts_by_kind(self, name: str) -> dict[str, list[str]]:
        """What a part refers to and the archive holds."""
        parts: dict[str, list[str]] = {}
        for found in self.relationships(name).values():
            if found.target in self:
                parts.setdefault(found.kind, []).append(found.target)
        return parts

    def relationships(self, name: str) -> dict[str, Relationship]:
        """What a part refers to within the package, by id."""
        folder, file = posixpath.split(name)
        rels = f"{folder}/_rels/{file}.rels".lstrip("/")
        if rels not in self._sizes:
            return {}
        return {found.id: found for found in self._read_relationships(rels, folder)}

    def _read_relationships(self, rels: str, folder: str) -> Iterator[Relationship]:
        for element in self.xml(rels).iter(_RELATIONSHIPS):
            if element.get("TargetMode") == "External":
                continue
            target = element.get("Target", "")
            path = target.lstrip("/") if target.startswith("/") else f"{folder}/{target}"
            kind = element.get("Type", "").rsplit("/", 1)[-1]
            yield Relationship(element.get("Id", ""), kind, posixpath.normpath(path).lstrip("/"))


def _parser(*, recover: bool = False) -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, recover=recover, huge_tree=True
    )


def _damaged() -> ExtractionFailed:
    return ExtractionFailed(
        "The file is damaged and can't be read. Open it in the program it was made with, save it "
        "again, then upload.",
        code="file_damaged",
    )


def local_name(element: etree._Element) -> str:
    """The tag without its namespace; empty for comments and the like."""
    return element.tag.rsplit("}", 1)[-1] if isinstance(element.tag, str) else ""


def attribute(element: etree._Element, name: str, default: str = "") -> str:
    """An attribute whatever its namespace: strict and transitional files differ in it."""
    for key, value in element.attrib.items():
        if key == name or key.endswith("}" + name):
            return str(value)
    return default


def child(element: etree._Element | None, *path: str) -> etree._Element | None:
    """The first child, and its child, by names without namespaces."""
    for name in path:
        if element is None:
            return None
        element = next((found for found in element if local_name(found) == name), None)
    return element
