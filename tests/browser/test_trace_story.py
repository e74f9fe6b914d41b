"""An answer is traced to the page it rests on, as an auditor sees it."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.looks import faults

QUESTION = "Which bearing set fits the P-300 pump?"
WORDS = "Bearing set BS-9 fits the P-200 pump and the P-300 pump."
CARRIED, INVENTED = WORDS, "It was forged by hand in 1921."


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
    title = page.get_by_role("heading", name=re.compile(rf"^{heading}( \d+)?$"), level=2)
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
    expect(
        section(receipt, "Passages in the prompt").get_by_role("link", name="Pump manual").first
    ).to_be_visible()
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


def test_one_answer_is_verified_and_the_log_says_so_in_local_time(receipt, answered):
    receipt.get_by_role("button", name="Verify this answer").click()
    expect(receipt.locator("#report")).to_contain_text("Verified just now")
    receipt.get_by_role("link", name="in the audit log").click()
    row = receipt.get_by_role("row").filter(has_text="Verified an answer").first
    expect(row).to_contain_text("audrey")
    moment = row.locator("time")
    exact = moment.get_attribute("datetime")
    local = receipt.evaluate(
        "at => new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })"
        ".format(new Date(at))",
        exact,
    )
    expect(moment).to_have_text(local)
    expect(moment).to_have_attribute("title", re.compile("UTC$"))
    assert not faults(receipt)


def test_the_log_holds_the_answer_and_that_one_looked_at_it(receipt, answered):
    section(receipt, "Proof").get_by_role("link", name=re.compile("^Event ")).click()
    expect(receipt.get_by_role("heading", name="Audit log")).to_be_visible()
    events = receipt.get_by_role("row").filter(has=receipt.locator(f"[data-copy='{answered}']"))
    expect(events.filter(has_text="answer.completed")).to_have_count(1)
    expect(events.filter(has_text="answer.traced").first).to_contain_text("audrey")


def test_filters_stand_in_one_row_and_are_folded_with_their_number_on_a_phone(open_as):
    for path in ("/trace/", "/trace/log/"):
        page = open_as("audrey", path)
        controls = page.locator(".filters :is(input, select, button)")
        boxes = [controls.nth(each).bounding_box() for each in range(controls.count())]
        assert len({(box["y"], box["height"]) for box in boxes}) == 1, boxes
        phone = open_as("audrey", f"{path}?person=alice", width=360)
        person = phone.get_by_role("searchbox").or_(phone.get_by_label("Person")).first
        expect(person).to_be_hidden()
        phone.get_by_text("Filters").click()
        expect(person).to_have_value("alice")
        expect(phone.get_by_text("1 active")).to_be_visible()
        assert not faults(phone)


def test_verifying_the_log_shows_its_own_event_at_once(open_as):
    page = open_as("audrey", "/trace/log/")
    before = page.get_by_role("row").filter(has_text="Verified the whole log").count()
    page.get_by_role("button", name="Verify the log").click()
    after = page.get_by_role("row").filter(has_text="Verified the whole log")
    expect(after).to_have_count(before + 1)


def test_a_page_has_its_place_in_the_colour_of_the_theme_before_its_picture_comes(
    answered, open_as
):
    held = []
    page = open_as("audrey", f"/trace/answers/{answered}/", theme="dark")
    page.route("**/pages/*.png", lambda route: held.append(route))
    sentences = section(page, "Answer").get_by_role("listitem")
    sentences.filter(has_text=CARRIED).get_by_role("link", name="Source").first.click()
    frame = page.locator(".page-picture").first
    expect(frame).to_be_visible()
    box = frame.bounding_box()
    assert box["height"] > box["width"]
    colours = "e => [getComputedStyle(e).backgroundColor, getComputedStyle(document.body).color]"
    (back, ink) = frame.evaluate(colours)
    assert back != "rgb(255, 255, 255)"
    assert back != ink
    expect(page.locator(".page-picture img").first).to_have_css("filter", "brightness(0.8)")
    page.unroute_all(behavior="ignoreErrors")


def test_an_employee_opens_no_receipt(answered, open_as):
    page = open_as("alice", f"/trace/answers/{answered}/", expect_errors=True)
    expect(page.get_by_role("heading", name="This page is not for your role")).to_be_visible()
