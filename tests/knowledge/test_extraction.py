import io
import json
import shutil
from contextlib import suppress
from dataclasses import replace

import psutil
import pytest

from knowledge import extraction_child
from knowledge.blocks import Block, Extracted
from knowledge.errors import OF_THE_FILE, ExtractionFailed
from knowledge.extraction import ChildEnded, extract, run_child
from knowledge.filetypes import detect
from tests.knowledge.conftest import MANUAL, make_docx, make_pdf, make_pptx, make_xlsx


@pytest.fixture
def read(tmp_path):
    """Writes a file and extracts it, as the worker does."""

    def read(data, name):
        path = tmp_path / "stored"
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return extract(path, detect(path, name).media_type, name)

    return read


def texts(extracted, kind):
    return [block.text for block in extracted.blocks if block.kind == kind]


def test_a_pdf_gives_headings_tables_and_places(read):
    extracted = read(make_pdf(2), "a.pdf")
    assert extracted.page_count == 2
    assert texts(extracted, "heading") == ["1 Safety", "2 Service"]
    table = next(block for block in extracted.blocks if block.kind == "table")
    assert table.rows[1] == ("Seal kit", "12.50", "4")
    paragraph = next(block for block in extracted.blocks if block.text.startswith("Wear"))
    (line,) = paragraph.lines
    left, top, right, bottom = line.box
    assert line.page == 1
    assert 0.1 < left < right < 0.9 and 0.1 < top < bottom < 0.2


def test_boxes_follow_the_page_when_it_is_turned(read, tmp_path):
    import pypdfium2 as pdfium

    document = pdfium.PdfDocument(make_pdf(1))
    document[0].set_rotation(90)
    buffer = io.BytesIO()
    document.save(buffer)
    paragraph = next(b for b in read(buffer.getvalue(), "a.pdf").blocks if "Wear" in b.text)
    left, top, right, bottom = paragraph.lines[0].box
    assert left > 0.8 and bottom - top > right - left


def test_pages_without_text_are_named(read):
    import pypdfium2 as pdfium

    document = pdfium.PdfDocument(make_pdf(1))
    for _ in range(3):
        document.new_page(600, 800)
    buffer = io.BytesIO()
    document.save(buffer)
    assert read(buffer.getvalue(), "a.pdf").warnings == ("No text on pages 2-4.",)


def make_scan(*texts):
    """A page for each text, as a picture; None is a page with words of its own."""
    import pypdfium2 as pdfium
    from reportlab.lib.utils import ImageReader
    from reportlab.pdfgen.canvas import Canvas

    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=(400, 300))
    for text in texts:
        drawn = io.BytesIO()
        page = Canvas(drawn, pagesize=(400, 300))
        page.setFont("Helvetica", 18)
        page.drawString(40, 200, text or "")
        page.save()
        if text is None:
            canvas.setFont("Helvetica", 18)
            canvas.drawString(40, 200, "The first page has words.")
        else:
            picture = pdfium.PdfDocument(drawn.getvalue())[0].render(scale=3).to_pil()
            canvas.drawImage(ImageReader(picture), 0, 0, 400, 300)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def test_pictures_of_pages_are_read_where_that_is_possible_and_said(read):
    extracted = read(make_scan(None, "The seal kit is SK-17.", ""), "a.pdf")
    if shutil.which("tesseract") is None:
        assert extracted.warnings == ("No text on pages 2-3.",)
        return
    assert extracted.warnings == (
        "Read by text recognition (OCR), which may err: page 2.",
        "No text on page 3.",
    )
    block = extracted.blocks[-1]
    assert (block.page, block.text) == (2, "The seal kit is SK-17.")
    left, top, right, bottom = block.lines[0].box
    assert 0.05 < left < right < 0.7 and 0.2 < top < bottom < 0.4


def test_without_recognition_a_scan_says_what_to_install(read, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ExtractionFailed) as error:
        read(make_scan("The seal kit is SK-17."), "scan.pdf")
    assert error.value.code == "no_text"
    assert "tesseract-ocr" in error.value.message


def test_blank_pages_are_told_apart(read):
    with pytest.raises(ExtractionFailed) as error:
        read(make_scan("", ""), "blank.pdf")
    assert error.value.code == "no_text"
    assert "OCR" in error.value.message


def test_a_word_document_gives_its_structure(read):
    extracted = read(make_docx(), "a.docx")
    assert texts(extracted, "heading") == ["Leave policy"]
    assert texts(extracted, "paragraph") == ["You have 28 days of holiday."]
    (table,) = [block for block in extracted.blocks if block.kind == "table"]
    assert table.rows == (("Reason", "Days"), ("Wedding", "2"))


def test_slides_are_pages(read):
    extracted = read(make_pptx(), "a.pptx")
    assert [(b.text, b.page) for b in extracted.blocks if b.kind == "paragraph"] == [
        ("We start in May", 1),
        ("It costs 900 euro", 2),
    ]


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a.html", "<!doctype html><h1>Hi</h1><script>no()</script><p>Words</p>", ["Words"]),
        ("a.md", "# Hi\n\nWords\n", ["Words"]),
        ("a.txt", "Words\n\nMore words\n", ["Words", "More words"]),
        ("a.eml", "Subject: Pump\nFrom: a@b.c\n\nIt leaks.\n", ["It leaks."]),
        ("a.json", '{"pump": "P-200"}', ["pump: P-200"]),
    ],
)
def test_texts_of_all_kinds_are_read(read, name, data, expected):
    found = texts(read(data, name), "paragraph")
    assert all(any(words in text for text in found) for words in expected)
    assert not any("no()" in text for text in found)


def test_other_encodings_are_read_and_said(read):
    assert texts(read("Größe".encode("utf-16"), "a.txt"), "paragraph") == ["Größe"]
    extracted = read("Größe".encode("cp1252"), "a.txt")
    assert texts(extracted, "paragraph") == ["Größe"]
    assert "not UTF-8" in extracted.warnings[0]


def test_characters_that_hide_or_break_are_left_out_and_counted(read):
    hidden = "".join(chr(0xE0000 + ord(char)) for char in "obey")
    extracted = read(f"Pay\u200b now{hidden}\u202e\x00\x07 please", "a.txt")
    assert texts(extracted, "paragraph") == ["Pay now please"]
    assert extracted.warnings == (
        "6 invisible characters were left out.",
        "2 unreadable characters were left out.",
    )


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("a.pdf", b"%PDF-1.7 nothing more", "file_damaged"),
        ("a.txt", b" \n\t\n", "no_text"),
        ("a.xlsx", make_xlsx([]), "no_text"),
    ],
)
def test_what_cannot_be_read_says_why(read, name, data, code):
    with pytest.raises(ExtractionFailed) as error:
        read(data, name)
    assert error.value.code == code
    assert error.value.message.endswith((".", "upload."))


def test_a_protected_pdf_says_so(read):
    from reportlab.lib.pdfencrypt import StandardEncryption
    from reportlab.pdfgen.canvas import Canvas

    buffer = io.BytesIO()
    canvas = Canvas(buffer, encrypt=StandardEncryption("secret"))
    canvas.drawString(100, 100, "hello")
    canvas.save()
    with pytest.raises(ExtractionFailed) as error:
        read(buffer.getvalue(), "a.pdf")
    assert error.value.code == "file_encrypted"


def test_a_child_that_eats_memory_is_ended(tmp_path, settings, monkeypatch):
    program = "from knowledge.extraction_child import limit; limit(20, 400); x = b'x' * 10**9"
    with pytest.raises(ChildEnded) as ended:
        run_program(program, tmp_path, monkeypatch)
    assert ended.value.code == "extraction_memory"


def test_a_child_that_eats_time_is_ended(tmp_path, monkeypatch):
    program = "from knowledge.extraction_child import limit; limit(1, 400)\nwhile True: pass"
    with pytest.raises(ChildEnded) as ended:
        run_program(program, tmp_path, monkeypatch)
    assert ended.value.code == "extraction_time"


def test_a_child_that_waits_for_ever_is_ended_with_all_it_started(tmp_path, monkeypatch):
    program = (
        "import subprocess, sys, pathlib, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "pathlib.Path('pid').write_text(str(child.pid)); time.sleep(600)"
    )
    with pytest.raises(ChildEnded) as ended:
        run_program(program, tmp_path, monkeypatch, seconds=12)
    assert ended.value.code == "extraction_time"
    with suppress(psutil.NoSuchProcess):
        grandchild = psutil.Process(int((tmp_path / "pid").read_text()))
        # Killed already, but the system may still be busy with it; a zombie is dead too.
        assert grandchild.status() == psutil.STATUS_ZOMBIE or grandchild.wait(10) is None


def test_a_child_that_crashes_is_told_apart(tmp_path, monkeypatch):
    with pytest.raises(ChildEnded) as ended:
        run_program("import os; os.abort()", tmp_path, monkeypatch)
    assert ended.value.code == "extraction_crashed"


def test_a_cancelled_extraction_ends_at_once(tmp_path, monkeypatch):
    with pytest.raises(ChildEnded) as ended:
        run_program("import time; time.sleep(600)", tmp_path, monkeypatch, stop=lambda: True)
    assert ended.value.code == "extraction_stopped"


def test_the_child_sees_no_secrets(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "canary")
    program = "import os, json; open('env', 'w').write(json.dumps(dict(os.environ)))"
    run_program(program, tmp_path, monkeypatch)
    seen = json.loads((tmp_path / "env").read_text())
    assert not {"SECRET_KEY", "DATABASE_URL", "REDIS_URL"} & set(seen)


def run_program(program, folder, monkeypatch, *, seconds=30, stop=lambda: False):
    """Runs a program under the same guard as the real child."""
    (folder / "hostile_child.py").write_text(program)
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    run_child("hostile_child", [], seconds, str(folder), stop)


def test_a_heading_with_nothing_below_it_is_text(read):
    blocks = read("# Prices\n\n## 2026\n\nTwelve euro.\n\n## Sold out\n", "a.md").blocks
    assert [(b.kind, b.text) for b in blocks] == [
        ("heading", "Prices"),
        ("heading", "2026"),
        ("paragraph", "Twelve euro."),
        ("paragraph", "Sold out"),
    ]


def test_markdown_keeps_its_heading_levels(read):
    headings = [b for b in read(MANUAL, "a.md").blocks if b.kind == "heading"]
    assert [(b.level, b.text) for b in headings] == [(1, "Pump manual"), (2, "Seals"), (2, "Oil")]


def test_more_text_than_a_worker_can_hold_is_refused_by_its_name(monkeypatch, tmp_path):
    monkeypatch.setattr(extraction_child, "MAX_TEXT", 1_000)
    held = Extracted(blocks=(Block("paragraph", "x" * 600),) * 2)
    with pytest.raises(ExtractionFailed, match="1,200 characters of text; 1,000 are") as error:
        extraction_child._answer(held, tmp_path)
    assert error.value.code == "too_much_text" and error.value.code in OF_THE_FILE
    assert extraction_child._answer(replace(held, blocks=held.blocks[:1]), tmp_path)["blocks"]
