"""A document becomes passages, as a curator sees it: real files, the real ingestion worker.

The worker is started and ended by the test, so that "waiting" and "ready" are facts here and no
matter of timing.
"""

import base64
import re

import pytest
from playwright.sync_api import expect

from tests.browser.looks import faults
from tests.browser.seed import manual

COLLECTION = "New arrivals"
PDF, MARKDOWN, CSV, BROKEN = "Valve sheet", "Greasing", "Torques", "Torn"
# An encoder is loaded before the first passage of a worker's life is embedded.
WORKER = 180_000
FILES = {
    f"{PDF}.pdf": ("application/pdf", manual()),
    f"{MARKDOWN}.md": ("text/markdown", b"# Greasing\n\nGrease bearing BS-9 every 500 hours.\n"),
    f"{CSV}.csv": ("text/csv", b"bolt,torque\nM6,9 Nm\nM8,22 Nm\n"),
    f"{BROKEN}.pdf": ("application/pdf", b"%PDF-1.7\n1 0 obj\n<< torn in the middle"),
}
DROP = """(files) => {
    const dropped = new DataTransfer();
    for (const [name, type, words] of files) {
        const bytes = Uint8Array.from(atob(words), (letter) => letter.charCodeAt(0));
        dropped.items.add(new File([bytes], name, { type }));
    }
    return dropped;
}"""


@pytest.fixture
def page(open_as):
    return open_as("carla", "/console/documents/")


@pytest.fixture
def worker(site):
    """Starts the ingestion worker when the test says so; ends it with the test."""
    yield lambda: site.start_workers("ingestion")
    if "ingestion" in site.processes:
        site.end("ingestion")


def drop(page, files):
    page.get_by_label("Collection").first.select_option(label=COLLECTION)
    carried = [
        (name, kind, base64.b64encode(words).decode()) for name, (kind, words) in files.items()
    ]
    dropped = page.evaluate_handle(DROP, carried)
    page.locator("[data-dropzone]").dispatch_event("drop", {"dataTransfer": dropped})


def row(page, name):
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=name))


def state(page, name):
    return row(page, name).locator("[data-status]")


def watch(page):
    """Marks the page as it stands; the mark is gone if it is ever loaded anew."""
    page.evaluate("window.isTheSamePage = true")


def is_the_same(page):
    return page.evaluate("window.isTheSamePage === true")


def test_dropped_files_become_ready_before_ones_eyes_and_a_broken_one_says_why(page, worker):
    drop(page, FILES)
    expect(page.get_by_text("4 files uploaded to")).to_be_visible()
    for name in (PDF, MARKDOWN, CSV, BROKEN):
        expect(state(page, name)).to_have_text("Queued")
    watch(page)
    worker()
    for name in (PDF, MARKDOWN, CSV):
        expect(state(page, name)).to_have_text("Ready", timeout=WORKER)
    expect(state(page, BROKEN)).to_have_text("Failed", timeout=WORKER)
    expect(row(page, BROKEN)).to_contain_text("The file is damaged and can't be read as a PDF")
    expect(row(page, BROKEN).get_by_role("link", name="New version")).to_be_visible()
    expect(page.get_by_role("button", name="Retry")).to_have_count(0)
    assert is_the_same(page)


def uploaded(page, worker, *names):
    """Files that are ready; those of an earlier test are known and not read again."""
    drop(page, {name: FILES[name] for name in names})
    told = page.locator(".messages").get_by_text(re.compile("uploaded|is there already"))
    expect(told.first).to_be_visible()
    worker()
    for name in names:
        expect(state(page, name.partition(".")[0])).to_have_text("Ready", timeout=WORKER)


def test_a_broken_file_is_replaced_by_another_version(page, worker):
    drop(page, {"Crushed.pdf": ("application/pdf", b"%PDF-1.7 nothing more")})
    worker()
    expect(state(page, "Crushed")).to_have_text("Failed", timeout=WORKER)
    row(page, "Crushed").get_by_role("link", name="Crushed").click()
    expect(page.locator("#progress")).to_contain_text("The file is damaged")
    page.get_by_role("link", name="New version").click()
    expect(page.get_by_role("heading", name="Upload a new version")).to_be_in_viewport()
    media_type, content = FILES[f"{MARKDOWN}.md"]
    whole = {"name": "Crushed.md", "mimeType": media_type, "buffer": content + b"Anew.\n"}
    page.get_by_label("File", exact=True).set_input_files(whole)
    page.get_by_role("button", name="Upload version 2").click()
    expect(page.locator("#progress")).to_contain_text("Ready", timeout=WORKER)
    expect(page.get_by_role("link", name="New version")).to_have_count(0)


def test_a_ready_document_shows_its_way_its_passages_and_its_pages(page, worker):
    uploaded(page, worker, f"{PDF}.pdf")
    row(page, PDF).get_by_role("link", name=PDF).click()
    stages = page.get_by_role("list", name="Stages").get_by_role("listitem")
    expect(stages).to_have_count(6)
    for stage in stages.all():
        expect(stage).to_have_attribute("data-state", "done")
    passages = page.get_by_role("region", name=re.compile("^Passages"))
    expect(passages.get_by_text("Seal kit SK-17 fits the P-200 pump.")).to_be_visible()
    assert not faults(page)
    passages.get_by_role("link", name="Next").click()
    passages.get_by_role("link", name="page 2").first.click()
    picture = page.get_by_role("img", name=f"Page 2 of {PDF}, with the passage highlighted")
    expect(picture).to_be_in_viewport()
    assert picture.evaluate("async (image) => { await image.decode(); return image.naturalWidth }")
    expect(page.locator("#page-2 polygon").first).to_be_visible()
    assert not faults(page)


def test_the_original_comes_back_byte_for_byte(page, worker):
    name = f"{MARKDOWN}.md"
    uploaded(page, worker, name)
    row(page, MARKDOWN).get_by_role("link", name=MARKDOWN).click()
    page.get_by_role("link", name="Read").click()
    expect(page.get_by_text("Grease bearing BS-9 every 500 hours.")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Original").click()
    assert download.value.path().read_bytes() == FILES[name][1]


def test_a_document_is_deleted_only_after_a_yes(page, worker):
    uploaded(page, worker, f"{CSV}.csv")
    delete = row(page, CSV).get_by_role("button", name=f"Delete {CSV}")
    delete.click()
    question = page.get_by_role("dialog")
    expect(question).to_contain_text(f"Delete “{CSV}”?")
    question.get_by_role("button", name="Cancel").click()
    expect(question).to_be_hidden()
    expect(state(page, CSV)).to_have_text("Ready")
    delete.click()
    question.get_by_role("button", name="Delete").click()
    expect(page.get_by_text(f"“{CSV}” no longer answers questions.")).to_be_visible()
    expect(row(page, CSV)).to_have_count(0)
