"""A dataset becomes an adapter and the adapter an expert's, as an administrator sees it.

Runs are real: a training worker and its process, with a Phi-3 of a few thousand weights. A run is
watched while it has far more steps than anybody waits for, so that "under way" is a fact here and
no matter of timing.
"""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.looks import faults
from tests.chat.engine.conftest import make_base
from tests.training.conftest import jsonl, seal_lines

BAD_LINE = 5
ENDLESS, FEW = 1_000_000, 4
# The libraries of a training process alone take their time on a crowded machine.
TRAINING = 240_000


def seals():
    """24 examples with a line in between that is none."""
    lines = seal_lines()
    lines.insert(BAD_LINE - 1, b'{"messages": [{"role": "user", "content": "And then?"}]}')
    return {"name": "seals.jsonl", "mimeType": "application/jsonl", "buffer": jsonl(*lines).read()}


@pytest.fixture(scope="module", autouse=True)
def _training(site, tmp_path_factory):
    """The training worker, and a web process that knows the same tiny base model."""
    base = make_base(
        tmp_path_factory.mktemp("base") / "tiny-phi3",
        max_position_embeddings=4096,
        original_max_position_embeddings=4096,
    )
    before = site.env
    site.env = {**before, "BASE_MODEL": str(base), "TRAINING_DEVICE": "cpu"}
    site.end("web")
    site.start_web()
    site.start_workers("training")
    yield
    site.end("training")
    site.end("web")
    site.env = before
    site.start_web()


@pytest.fixture
def page(open_as):
    return open_as("adam", "/console/datasets/")


def upload(page):
    """To the report of the dataset; the very same file is known from an earlier test."""
    page.get_by_label("Name").fill("Seal answers")
    page.get_by_label("File").set_input_files(seals())
    page.get_by_role("button", name="Upload and check").click()
    expect(page.get_by_role("heading", name="Seal answers")).to_be_visible()


def start_run(page, name, steps):
    upload(page)
    page.get_by_role("link", name="Fine-tune with it").click()
    page.get_by_role("navigation", name="Presets").get_by_role("link", name="Quick").click()
    expect(page.get_by_role("link", name="Quick")).to_have_attribute("aria-current", "page")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Steps (max_steps)").fill(str(steps))
    page.get_by_role("button", name="Start the run").click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()


def status(page):
    return page.locator("#run [data-status]")


def figure(page, label):
    return (
        page.locator(".figure").filter(has=page.get_by_text(label, exact=True)).locator(".number")
    )


def test_the_report_counts_the_lines_and_names_the_wrong_one(page):
    upload(page)
    expect(figure(page, "Lines")).to_have_text("25")
    expect(figure(page, "Lines with errors")).to_have_text("1")
    learned, held_back = (
        int(figure(page, label).inner_text()) for label in ("To learn from", "Held back to measure")
    )
    assert learned + held_back == 24 and held_back > 0
    errors = page.get_by_role("region", name="Errors by line").get_by_role("row")
    expect(errors).to_have_count(2)
    expect(errors.last.get_by_role("cell").first).to_have_text(str(BAD_LINE))
    expect(errors.last).to_contain_text("assistant")
    assert not faults(page)


def test_a_run_is_watched_live_and_cancelled(page):
    start_run(page, "Endless", ENDLESS)
    page.evaluate("window.isTheSamePage = true")
    expect(status(page)).to_have_text("Running", timeout=TRAINING)
    expect(page.get_by_role("img", name=re.compile("Train loss now"))).to_be_visible(
        timeout=TRAINING
    )
    curve = page.locator("#run svg polyline.line-1")
    shown = curve.get_attribute("points")
    expect(curve).not_to_have_attribute("points", shown)
    expect(page.get_by_text(re.compile("^Step [1-9].* of 1,000,000"))).to_be_visible()
    assert page.evaluate("window.isTheSamePage === true")
    assert not faults(page)
    page.get_by_role("button", name="Cancel the run").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel the run").click()
    expect(status(page)).to_have_text("Cancelled", timeout=TRAINING)
    expect(page.get_by_role("button", name="Resume")).to_be_visible()


def test_a_finished_run_leaves_an_adapter_that_an_expert_answers_with(page):
    start_run(page, "Seals", FEW)
    ready = page.get_by_text(re.compile("The adapter .* is ready"))
    expect(ready).to_be_visible(timeout=TRAINING)
    expect(status(page)).to_have_text("Finished")
    expect(page.get_by_text(f"Step {FEW} of {FEW}")).to_be_visible()
    ready.get_by_role("link").click()
    expect(page.get_by_text("All files are as they were registered.")).to_be_visible()
    weights = page.get_by_role("row").filter(has_text="adapter_model.safetensors")
    expect(weights.get_by_role("cell").last).to_have_text(re.compile("^[0-9a-f]{64}$"))
    expect(page.get_by_text("tiny-phi3").first).to_be_visible()
    assert not faults(page)
    name = page.get_by_role("heading", level=1).inner_text()
    make_expert(page)
    make_version(page, name)


def make_expert(page):
    """An expert of its own, so that no other test's questions are answered differently."""
    page.goto("/console/experts/")
    page.get_by_role("link", name="New expert").first.click()
    page.get_by_label("Name").fill("Seals")
    page.get_by_label("Other team").check()
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_text("Seals answers from now on.")).to_be_visible()
    expect(page.get_by_text("none: the base model")).to_be_visible()


def make_version(page, adapter):
    """The next version with the adapter; it answers once it is promoted."""
    page.get_by_role("link", name="New version").click()
    page.get_by_label("Adapter").select_option(label=adapter)
    page.get_by_role("button", name="Make the version").click()
    version = page.get_by_role("article").filter(has=page.get_by_role("heading", name="Version 2"))
    expect(version.get_by_role("link", name=adapter)).to_be_visible()
    version.get_by_role("button", name="Promote").click()
    page.get_by_role("dialog").get_by_role("button", name="Promote").click()
    expect(version.get_by_text("Live")).to_be_visible()
