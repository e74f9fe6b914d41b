"""Files that mean harm, made small, and what must become of each: `ready` or a code of refusal."""

import base64
import io
import json
import struct
import zipfile
import zlib

from tests.knowledge.conftest import make_docx, make_pptx, make_xlsx
from tests.knowledge.formats.conftest import package, paragraph, word_file


def pdf(*objects, trailer=""):
    """A PDF of these objects, numbered from 1; the first is the catalogue."""
    data, places = bytearray(b"%PDF-1.7\n"), []
    for number, content in enumerate(objects, start=1):
        places.append(len(data))
        body = content if isinstance(content, bytes) else content.encode()
        data += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start = len(data)
    data += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    data += b"".join(b"%010d 00000 n \n" % place for place in places)
    data += b"trailer << /Size %d /Root 1 0 R %b >>\n" % (len(objects) + 1, trailer.encode())
    return bytes(data) + b"startxref\n%d\n%%%%EOF" % start


def stream(content, extra=""):
    packed = zlib.compress(content)
    head = f"<< /Length {len(packed)} /Filter /FlateDecode {extra} >>\nstream\n"
    return head.encode() + packed + b"\nendstream"


FONT = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"


def page(content, resources="/Font << /F1 5 0 R >>", box="0 0 600 800", *more):
    """A PDF of one page with this content stream."""
    return pdf(
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [{box}] /Contents 4 0 R"
        f" /Resources << {resources} >> >>",
        stream(content),
        FONT,
        *more,
    )


WORDS = b"BT /F1 12 Tf 50 700 Td (Words) Tj ET"


def circular_pages():
    return pdf(
        "<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2 >>"
    )


def circular_prev():
    plain = page(WORDS)
    start = plain.rindex(b"startxref\n") + 10
    place = plain[start:].split(b"\n")[0]
    return plain.replace(b"/Root 1 0 R", b"/Root 1 0 R /Prev " + place)


def form_in_itself():
    form = stream(
        b"/X0 Do",
        "/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X0 6 0 R >> >>",
    )
    return page(
        b"/X0 Do " * 1000 + WORDS,
        "/Font << /F1 5 0 R >> /XObject << /X0 6 0 R >>",
        "0 0 600 800",
        form,
    )


def endless_unicode_map():
    cmap = b"1 beginbfrange <00000000> <05F5E100> <0041> endbfrange"
    font = FONT.replace(">>", "/ToUnicode 7 0 R >>")
    return page(
        WORDS.replace(b"F1", b"F2"), "/Font << /F2 6 0 R >>", "0 0 600 800", font, stream(cmap)
    )


def huge_picture():
    picture = stream(
        bytes(60_000 * 1_000),
        "/Type /XObject /Subtype /Image /Width 60000 /Height 60000 /ColorSpace /DeviceGray "
        "/BitsPerComponent 1",
    )
    return page(b"600 0 0 800 0 0 cm /I Do", "/XObject << /I 6 0 R >>", "0 0 600 800", picture)


def million_pages():
    return page(WORDS).replace(b"/Count 1 ", b"/Count 1000000 ")


def many_letters():
    return page(b"BT /F1 9 Tf 50 700 Td " + b"(abcdefghi ) Tj " * 25_000 + b"ET")


def packed(size, name="word/document.xml"):
    return package({"[Content_Types].xml": "<Types/>", name: b" " * size})


def with_entry(change):
    """A Word file whose last entry's record in the directory is changed."""
    buffer = io.BytesIO(make_docx())
    with zipfile.ZipFile(buffer, "a") as archive:
        info = zipfile.ZipInfo("word/extra.bin")
        change(info)
        archive.writestr(info, "../../etc/passwd")
        archive.filelist[-1].flag_bits = info.flag_bits
    return buffer.getvalue()


def as_link(info):
    info.create_system, info.external_attr = 3, 0o120777 << 16


def locked():
    data = bytearray(make_docx())
    place = data.index(b"PK\x01\x02")
    data[place + 8] |= 1
    return bytes(data)


def twice_the_same():
    """Two names for the same bytes: how a small archive holds more than it has."""
    data = package({"[Content_Types].xml": "<Types/>", "word/document.xml": "<a/>" * 100})
    place = data.rindex(b"PK\x01\x02")
    end = data.rindex(b"PK\x05\x06")
    entry = bytearray(data[place:end])
    entry[-4:] = b".xmb"
    size, start = struct.unpack("<II", data[end + 12 : end + 20])
    tail = bytearray(data[end:])
    struct.pack_into("<HHII", tail, 8, 3, 3, size + len(entry), start)
    return data[:end] + bytes(entry) + bytes(tail)


def lying_count():
    data = bytearray(make_docx())
    end = data.rindex(b"PK\x05\x06")
    struct.pack_into("<HH", data, end + 8, 60_000, 60_000)
    return bytes(data)


def lying_size():
    """The directory says that a part is ten bytes long."""
    data = bytearray(word_file(paragraph("Words " * 1000)))
    place = data.index(
        b"PK\x01\x02", data.index(b"word/document.xml", data.index(b"PK\x01\x02")) - 60
    )
    struct.pack_into("<I", data, place + 24, 10)
    return bytes(data)


def changed(data, name, content):
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w") as new:
        for info in old.infolist():
            new.writestr(info.filename, content if info.filename == name else old.read(info))
    return buffer.getvalue()


LAUGHS = (
    "<!DOCTYPE a [<!ENTITY a0 'ha'>"
    + "".join(f"<!ENTITY a{n} '&a{n - 1};&a{n - 1};&a{n - 1};&a{n - 1};'>" for n in range(1, 30))
    + "]><a>&a29;</a>"
)
OUTSIDE = "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>"
SPREAD = (
    "<w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val='99999999'/></w:tcPr>{0}</w:tc></w:tr></w:tbl>"
)

# What a warning says where not all was read, or not as it stands.
SAID = {
    "a page of 200,000 letters and more": "beyond 200,000 on page 1: not read",
    "a page of nested boxes": "its structure was left out",
    "a page of open tables": "its structure was left out",
    "quotes in quotes": "its structure was left out",
    "an attachment that is a bomb": "unpacks to more than any document needs",
    "zeros between the letters": "read as UTF-16-LE",
    "half characters": "1 unreadable character",
}
# Name of the file, its bytes, what becomes of it.
HOSTILE = {
    "a page that is its own parent": ("a.pdf", circular_pages, "file_damaged"),
    "a table of contents that leads back": ("a.pdf", circular_prev, "ready"),
    "a drawing inside itself": ("a.pdf", form_in_itself, "ready"),
    "a map of a hundred million letters": ("a.pdf", endless_unicode_map, "ready"),
    "a picture of 3,600 million points": ("a.pdf", huge_picture, "no_text"),
    "a page as large as a country": (
        "a.pdf",
        lambda: page(WORDS, box="0 0 99999999 99999999"),
        "ready",
    ),
    "a blank page as large as a country": (
        "a.pdf",
        lambda: page(b"", box="0 0 99999999 99999999"),
        "no_text",
    ),
    "a million pages that are one": ("a.pdf", million_pages, "too_many_pages"),
    "a page of 200,000 letters and more": ("a.pdf", many_letters, "ready"),
    "a document that unpacks to 300 MB": ("a.docx", lambda: packed(300 * 1024**2), "archive_bomb"),
    "two names for one entry": ("a.docx", twice_the_same, "archive_bomb"),
    "a count of 60,000 entries": ("a.docx", lying_count, "archive_bomb"),
    "a size that is a lie": ("a.docx", lying_size, "file_damaged"),
    "a link in an archive": ("a.docx", lambda: with_entry(as_link), "archive_links"),
    "a locked entry": ("a.docx", locked, "file_encrypted"),
    "half a document": ("a.docx", lambda: make_docx()[:9_000], "file_damaged"),
    "a billion laughs": (
        "a.docx",
        lambda: changed(make_docx(), "word/document.xml", LAUGHS),
        "xml_entities",
    ),
    "an entity from outside": (
        "a.docx",
        lambda: changed(make_docx(), "word/document.xml", OUTSIDE),
        "xml_entities",
    ),
    "laughs in slides": (
        "a.pptx",
        lambda: changed(make_pptx(), "ppt/slides/slide1.xml", LAUGHS),
        "xml_entities",
    ),
    "a cell over 99,999,999 columns": (
        "a.docx",
        lambda: word_file(SPREAD.format(paragraph("wide")) + paragraph("Words")),
        "ready",
    ),
    "tables in tables in tables": (
        "a.docx",
        lambda: word_file(
            "<w:tbl><w:tr><w:tc>" * 300 + paragraph("x") + "</w:tc></w:tr></w:tbl>" * 300
        ),
        "ready",
    ),
    "a workbook of nonsense": (
        "a.xlsx",
        lambda: changed(make_xlsx(), "xl/worksheets/sheet1.xml", "<worksheet><row></sheet>"),
        "file_damaged",
    ),
    "a workbook without its list of sheets": (
        "a.xlsx",
        lambda: changed(make_xlsx(), "xl/workbook.xml", "nonsense"),
        "file_damaged",
    ),
    "a page of nested boxes": ("a.html", lambda: "<div>" * 200_000 + "Words", "ready"),
    "a page of open tables": ("a.html", lambda: "<table><tr><td>" * 5_000 + "Words", "ready"),
    "a word of five million letters": ("a.txt", lambda: "x" * 5_000_000, "ready"),
    "headings and nothing else": ("a.md", lambda: "# h\n\n" * 5_000 + "Words", "ready"),
    "quotes in quotes": ("a.md", lambda: ">" * 20_000 + " Words", "ready"),
    "open brackets": ("a.md", lambda: "[" * 20_000 + " Words", "ready"),
    "open stars": ("a.md", lambda: "*a **b " * 10_000, "ready"),
    "lists in lists in JSON": ("a.json", lambda: "[" * 100_000, "too_deep"),
    "a number of a million figures": ("a.json", lambda: '{"n": ' + "9" * 10**6 + "}", "ready"),
    "groups in groups in RTF": ("a.rtf", lambda: r"{\rtf1 " + "{" * 100_000 + "Words", "ready"),
    "a head of a megabyte": ("a.eml", lambda: f"Subject: {'a' * 10**6}\n\nWords", "ready"),
    "a mail whose parts never end": (
        "a.eml",
        lambda: (
            "Subject: a\n"
            + "".join(
                f'Content-Type: multipart/mixed; boundary="{n}"\n\n--{n}\n' for n in range(2_000)
            )
        ),
        "too_deep",
    ),
    "an attachment that is a bomb": (
        "a.eml",
        lambda: (
            b"Subject: a\nContent-Type: application/zip; name=b.docx\n"
            b"Content-Transfer-Encoding: base64\n\n" + base64.b64encode(packed(100 * 1024**2))
        ),
        "ready",
    ),
    "zeros": ("a.txt", lambda: bytes(100_000), "type_mismatch"),
    "zeros between the letters": ("a.txt", lambda: "Words".encode("utf-16-le") * 100, "ready"),
    "a thousand marks on one letter": ("a.txt", lambda: "Words" + "\u0301" * 10**6, "ready"),
    "half characters": ("a.json", lambda: json.dumps({"a": "\ud800\udfff\ud801 Words"}), "ready"),
    "a mark and nothing else": ("a.txt", lambda: b"\xef\xbb\xbf", "no_text"),
}
