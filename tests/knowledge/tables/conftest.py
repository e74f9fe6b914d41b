"""Table files made here, read as a worker reads them."""

import io
import zipfile

import openpyxl
import pytest

from knowledge.extraction import extract
from knowledge.filetypes import detect


@pytest.fixture
def read(tmp_path):
    """Writes a file and extracts it in the child process."""

    def read(data, name="a.csv"):
        path = tmp_path / "stored"
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return extract(path, detect(path, name).media_type, name)

    return read


@pytest.fixture
def read_table(read):
    """The one table of a file."""

    def read_table(data, name="a.csv"):
        (table,) = read(data, name).tables
        return table

    return read_table


@pytest.fixture
def as_user(client):
    """The browser of somebody who is signed in."""

    def as_user(user):
        client.force_login(user)
        return client

    return as_user


def workbook(change=None, **sheets):
    """The bytes of a workbook; `change` may hide or format what it likes."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    if change:
        change(book)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def edited(data, part, old, new):
    """A zip file with some bytes of one part exchanged."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(buffer, "w") as target:
        for entry in source.infolist():
            content = source.read(entry)
            if entry.filename.endswith(part):
                assert old in content
                content = content.replace(old, new)
            target.writestr(entry, content)
    return buffer.getvalue()
