"""Small files of each format, written part by part, and a reader for them."""

import io
import zipfile

import pytest

from knowledge.filetypes import detect
from knowledge.formats import read_file


@pytest.fixture
def read(tmp_path):
    """Reads bytes as the child process does, in this process."""

    def read(data, name):
        path = tmp_path / "stored"
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return read_file(path, detect(path, name).media_type, name.rsplit(".", 1)[0])

    return read


@pytest.fixture
def outline(read):
    """Kind and text of each block."""
    return lambda data, name: [(block.kind, block.text) for block in read(data, name).blocks]


def package(parts):
    """A ZIP of named parts."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"


def word_file(body, **parts):
    """A Word document of this body; further parts by their kind, such as `footnotes`."""
    rels = "".join(
        f'<Relationship Id="r{kind}" Type="{RELATION}{kind}" Target="{kind}.xml"/>'
        for kind in parts
    )
    files = {
        "[Content_Types].xml": "<Types/>",
        "word/document.xml": f"<w:document {W}><w:body>{body}</w:body></w:document>",
        "word/_rels/document.xml.rels": "<Relationships xmlns="
        f'"http://schemas.openxmlformats.org/package/2006/relationships">{rels}</Relationships>',
    }
    roots = {"header": "hdr", "footer": "ftr"}
    for kind, content in parts.items():
        root = roots.get(kind, kind)
        files[f"word/{kind}.xml"] = f"<w:{root} {W}>{content}</w:{root}>"
    return package(files)


def paragraph(text, properties=""):
    """A paragraph of one run."""
    return f"<w:p><w:pPr>{properties}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"
