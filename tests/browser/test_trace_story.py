"""An answer is traced to the page it rests on, as an auditor sees it."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.looks import faults

QUESTION = "Which bearing set fits the P-300 pump?"
CARRIED, INVENTED = "Bearing set BS-9 fits the P-300 pump.", "It was forged by hand in 1921."
WORDS = "Bearing set BS-9 fits the P-200 pump and the P-300 pump."


@pytest.fixture(scope="module", autouse=True)
def _engine(site):
    site.start_engine()
    yield
    site.end("engine")


@pytest.fixture
def answered(open_as, model):
    """Alice has asked and got an answer."""
    page = open_as("alice", "/chat/")
    page.get_by_label("Your question").fill(QUESTION)
    page.keyboard.press("Enter")
    model.next_reply().answer(f"{CARRIED} {INVENTED}")
    expect(page.get_by_role("button", name="Answer again")).to_be_visible()
    return page.locator("[data-answer]").last.get_attribute("data-answer")


@pytest.fixture
def page(answered, open_as):
    return open_as("audrey", "/trace/")


@pytest.fixture
def receipt(page, answered):
    page.locator(f"a[href*='{answered}']").click()
    expect(page.get_by_role("heading", name="Receipt")).to_be_visible()
    return page


def section(page, heading):
    title = page.get_by_role("heading", name=heading, exact=True)
    return page.locator("section.section").filter(has=title)


def test_an_answer_is_found_by_what_is_known_of_it(page, answered):
    mine = page.locator(f"a[href*='{answered}']")
    search = page.get_by_role("search", name="Search answers")
    search.get_by_label("Person").fill("nobody at all")
    search.get_by_role("button", name="Search").click()
    expect(page.get_by_role("heading", name="No such answer")).to_be_visible()
    search.get_by_label("Person").fill("alice")
    search.get_by_label("Words of the question").fill("bearing set")
    search.get_by_label("Document used").fill("Pump manual")
    search.get_by_role("button", name="Search").click()
    expect(mine).to_have_text(QUESTION)
    expect(page).to_have_url(re.compile("person=alice"))


def test_a_receipt_tells_the_answer_from_the_question_to_its_proof(receipt):
    expect(section(receipt, "Asked")).to_contain_text(QUESTION)
    expect(section(receipt, "Asked")).to_contain_text("alice")
    expect(section(receipt, "Found").get_by_role("link", name="Pump manual").first).to_be_visible()
    section(receipt, "Sent to the model").get_by_text("The exact prompt").click()
    prompt = section(receipt, "Sent to the model").locator("pre")
    expect(prompt).to_contain_text(WORDS)
    expect(section(receipt, "Answered by")).to_contain_text("Service, version 1")
    sentences = section(receipt, "Answer").get_by_role("listitem")
    carried, invented = (sentences.filter(has_text=text) for text in (CARRIED, INVENTED))
    expect(carried.locator("[data-status]")).to_have_attribute("data-status", "supported")
    expect(invented).to_contain_text("No passage carries this sentence.")
    expect(section(receipt, "Proof")).to_contain_text("The receipt agrees with its hash")
    assert not faults(receipt)


def test_a_sentence_leads_to_its_words_on_the_page_of_the_document(receipt):
    sentences = section(receipt, "Answer").get_by_role("listitem")
    sentences.filter(has_text=CARRIED).get_by_role("link", name="Source").first.click()
    expect(receipt.get_by_role("heading", name="Pump manual")).to_be_visible()
    expect(receipt.locator("mark")).to_contain_text("BS-9")
    picture = receipt.get_by_role("img", name="Page 1 of Pump manual, the passage highlighted")
    expect(picture).to_be_visible()
    assert picture.evaluate("async (image) => { await image.decode(); return image.naturalWidth }")
    expect(receipt.locator("polygon.page-mark").first).to_be_visible()
    assert not faults(receipt)
    receipt.get_by_role("link", name="Receipt").click()
    expect(section(receipt, "Asked")).to_contain_text(QUESTION)


def test_the_whole_log_is_verified_from_the_receipt(receipt):
    receipt.get_by_role("button", name="Verify the whole log").click()
    told = receipt.locator("#report").get_by_role("status")
    expect(told).to_contain_text(re.compile(r"\d+ events intact, and every receipt with them"))


def test_the_log_holds_the_answer_and_that_one_looked_at_it(receipt, answered):
    section(receipt, "Proof").get_by_role("link", name=re.compile("^Event ")).click()
    expect(receipt.get_by_role("heading", name="Audit log")).to_be_visible()
    events = receipt.get_by_role("row").filter(has=receipt.locator(f"[data-copy='{answered}']"))
    expect(events.filter(has_text="answer.completed")).to_have_count(1)
    expect(events.filter(has_text="answer.traced").first).to_contain_text("audrey")


def test_an_employee_opens_no_receipt(answered, open_as):
    page = open_as("alice", f"/trace/answers/{answered}/", expect_errors=True)
    expect(page.get_by_role("heading", name="This page is not for your role")).to_be_visible()
