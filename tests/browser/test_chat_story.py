"""A question becomes a cited answer, as a person sees it: a real site, a model that the test plays.

The model says a word when the test tells it to, so "in the middle of an answer" is a fact here and
no matter of timing.
"""

import re
import signal
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.looks import faults

QUESTION = "Which seal kit fits the P-200 pump?"
WHOLE = "Seal kit SK-17 fits the P-200 pump. It is painted green by hand."
HALF, REST = WHOLE[:24], WHOLE[24:]
# An engine's lease, the check for expired ones, and the new engine's own start.
TAKEOVER = 40_000


@pytest.fixture(scope="module", autouse=True)
def _engine(site):
    site.start_engine()
    site.start_workers()
    site.wait_for("/readyz")
    yield
    for name in ("engine", "ingestion", "training"):
        site.end(name)


@pytest.fixture(autouse=True)
def _silence(model):
    yield
    model.forget()


@pytest.fixture
def page(open_as):
    return open_as("alice", "/chat/")


def ask(page, model, question=QUESTION):
    page.get_by_label("Your question").fill(question)
    page.keyboard.press("Enter")
    return model.next_reply()


def ask_and_finish(page, model, text=WHOLE):
    ask(page, model).answer(text)
    expect(page.get_by_role("button", name="Answer again").last).to_be_visible()


def body(page):
    return page.locator("[data-answer] [data-body]").last


def words(page):
    """The answer as written, without chips and marks."""
    script = """(body) => {
        const copy = body.cloneNode(true);
        copy.querySelectorAll(".cite, .no-source").forEach((mark) => mark.remove());
        return copy.textContent.replace(/\\s+/g, " ").trim();
    }"""
    return body(page).evaluate(script)


def panel(page):
    return page.get_by_role("complementary", name="Sources")


def test_sources_come_before_the_first_word_and_text_follows(page, model):
    reply = ask(page, model)
    expect(panel(page).get_by_role("link", name="Pump manual").first).to_be_visible()
    expect(body(page)).to_have_text("")
    reply.say("Seal ", "kit ")
    expect(body(page)).to_have_text(re.compile("^Seal kit"))
    reply.say("SK-17.")
    reply.finish()
    expect(page.get_by_role("button", name="Answer again")).to_be_visible()
    assert words(page) == "Seal kit SK-17."


def test_a_carried_sentence_has_a_chip_and_an_invented_one_says_no_source(page, model):
    ask_and_finish(page, model)
    carried = body(page).locator(".sentence", has_text="Seal kit SK-17")
    expect(carried).to_have_attribute("data-verdict", "supported")
    expect(body(page).locator(".cite")).to_have_count(1)
    invented = body(page).locator(".sentence", has_text="painted green")
    expect(invented).to_have_attribute("data-verdict", "unsupported")
    expect(body(page).get_by_text("no source")).to_be_visible()


def test_a_chip_opens_the_passage_in_its_page_with_the_words_marked(page, model):
    ask_and_finish(page, model)
    body(page).locator(".cite").click()
    picture = panel(page).get_by_role("img", name=re.compile("Page 1 of Pump manual"))
    expect(picture).to_be_visible()
    assert picture.evaluate("async (image) => { await image.decode(); return image.naturalWidth }")
    marks = panel(page).locator("polygon.page-mark")
    box, page_box = marks.first.bounding_box(), picture.bounding_box()
    assert 0 < box["height"] < page_box["height"] / 2
    assert page_box["y"] <= box["y"] <= page_box["y"] + page_box["height"] / 2
    expect(panel(page).locator("mark")).to_contain_text("SK-17")
    link = panel(page).get_by_role("link", name="Open the document at page 1")
    expect(link).to_have_attribute("href", re.compile(r"/documents/.*#page-1"))


def test_sentence_chip_and_source_light_up_together(page, model):
    ask_and_finish(page, model)
    chip = body(page).locator(".cite")
    chip.focus()
    expect(chip).to_have_class(re.compile("is-lit"))
    expect(body(page).locator(".sentence", has_text="SK-17")).to_have_class(re.compile("is-lit"))
    marker = chip.get_attribute("data-marker")
    expect(panel(page).locator(f"[data-marker='{marker}']")).to_have_class(re.compile("is-lit"))
    page.get_by_label("Your question").focus()
    expect(page.locator(".is-lit")).to_have_count(0)


def test_arrow_keys_walk_the_sources(page, model):
    ask_and_finish(page, model)
    links = panel(page).locator("[data-source]")
    assert links.count() > 1
    links.first.focus()
    page.keyboard.press("ArrowDown")
    expect(links.nth(1)).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(links.first).to_be_focused()


def test_a_reload_in_the_middle_goes_on_with_nothing_lost_or_doubled(page, model):
    reply = ask(page, model)
    reply.say(HALF)
    expect(body(page)).to_have_text(HALF.strip())
    page.reload()
    expect(body(page)).to_have_text(HALF.strip())
    reply.say(REST)
    reply.finish()
    expect(page.get_by_role("button", name="Answer again")).to_be_visible()
    assert words(page) == WHOLE


def test_a_killed_web_process_is_not_noticed_in_the_answer(page, site, model):
    reply = ask(page, model)
    reply.say(HALF)
    expect(body(page)).to_have_text(HALF.strip())
    site.end("web", signal.SIGKILL)
    reply.say(REST)
    expect(page.get_by_text("The connection is lost")).to_be_visible()
    site.start_web()
    reply.finish()
    expect(page.get_by_role("button", name="Answer again")).to_be_visible(timeout=20_000)
    expect(page.get_by_text("The connection is lost")).to_be_hidden()
    assert words(page) == WHOLE


def test_a_killed_engine_restarts_the_answer_by_itself(page, site, model):
    ask(page, model).say("Half an answer that gets los")
    expect(body(page)).to_have_text(re.compile("^Half an answer"))
    site.end("engine", signal.SIGKILL)
    site.start_engine()
    model.next_reply(timeout=TAKEOVER / 1000).answer(WHOLE)
    expect(page.get_by_role("button", name="Answer again")).to_be_visible()
    assert words(page) == WHOLE


def test_stop_frees_the_model_and_keeps_what_came(page, model):
    reply = ask(page, model)
    reply.say(HALF)
    expect(body(page)).to_have_text(HALF.strip())
    page.get_by_role("button", name="Stop the answer").click()
    expect(page.get_by_text("Stopped. What had come is kept.")).to_be_visible()
    assert reply.hung_up.wait(timeout=10)
    assert words(page) == HALF.strip()
    page.reload()
    assert words(page) == HALF.strip()


def test_a_question_that_the_documents_cannot_answer_is_told_so(page, model):
    page.get_by_label("Your question").fill("Who won the chess championship in Reykjavik?")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Not found in the documents")).to_be_visible()
    # Shown once: in the panel, and not in the answer again.
    nearest = panel(page).get_by_role("listitem").filter(has_text="Pump manual").first
    expect(nearest).to_contain_text("not used")
    told = page.get_by_label("Answer", exact=True)
    expect(told.get_by_role("link", name="not used")).to_have_count(0)
    nearest.get_by_role("link").click()
    expect(panel(page).get_by_role("img", name=re.compile("of Pump manual"))).to_be_visible()
    assert model.replies.empty()


def test_asking_again_keeps_the_earlier_answer_one_step_away(page, model):
    ask_and_finish(page, model)
    page.get_by_role("button", name="Answer again").click()
    model.next_reply().answer("Kit SK-17.")
    answers = page.get_by_role("group", name="Answers to this question")
    expect(body(page)).to_have_text(re.compile(r"^Kit SK-17"))
    expect(answers).to_contain_text("2/2")
    answers.get_by_role("button", name="Earlier answer").click()
    expect(answers).to_contain_text("1/2")
    assert words(page) == WHOLE
    page.reload()
    assert words(page) == WHOLE


def test_an_edited_question_makes_a_branch_and_the_other_one_is_kept(page, model):
    ask_and_finish(page, model)
    page.locator("[data-question-text]").click()
    page.keyboard.press("e")
    expect(page.get_by_label("Your question")).to_have_value(QUESTION)
    page.get_by_label("Your question").fill("Which bearing set fits the P-200 pump?")
    page.keyboard.press("Enter")
    model.next_reply().answer("Bearing set BS-9 fits the P-200 pump.")
    versions = page.get_by_role("group", name="Versions of this question")
    expect(versions).to_contain_text("2/2")
    expect(page.get_by_role("button", name="Answer again")).to_be_visible()
    expect(page.locator("[data-question-text]")).to_have_count(1)
    versions.get_by_role("button", name="Earlier question").click()
    expect(page.get_by_role("heading", name=QUESTION, level=2)).to_be_visible()
    assert words(page) == WHOLE
    page.reload()
    expect(versions).to_contain_text("1/2")


def test_a_question_asked_in_one_tab_appears_in_the_other(page, model):
    ask_and_finish(page, model)
    other = page.context.new_page()
    other.goto(page.url)
    reply = ask(page, model, "What does the warranty not cover?")
    second = other.get_by_role("heading", name="What does the warranty not cover?", level=2)
    expect(second).to_be_visible()
    reply.say("Wear ", "parts ")
    expect(body(other)).to_have_text(re.compile("^Wear parts"))
    reply.say("are not covered.")
    reply.finish()
    expect(other.get_by_role("button", name="Answer again")).to_have_count(2)
    assert words(other) == "Wear parts are not covered."


def test_a_thumb_and_its_reason_are_kept(page, model):
    ask_and_finish(page, model)
    page.get_by_role("button", name="This did not help").click()
    page.get_by_text("Say what was wrong").click()
    page.get_by_label("What was wrong?").select_option(label="It is not true")
    page.get_by_label("A note").fill("It is not painted.")
    page.get_by_label("What the answer should have been").fill("Seal kit SK-17.")
    assert not faults(page)
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_text("Change your note")).to_be_visible()
    page.reload()
    thumb = page.get_by_role("button", name="This did not help")
    expect(thumb).to_have_attribute("aria-pressed", "true")


def test_a_suggestion_is_asked_by_a_click(page, model):
    ask_and_finish(page, model)
    page.get_by_role("list", name="You could ask next").get_by_role("link").first.click()
    model.next_reply().answer("Wear parts are not covered.")
    expect(
        page.get_by_role("heading", name="What does Pump manual say about", level=2)
    ).to_be_visible()
    expect(page.get_by_role("button", name="Answer again")).to_have_count(2)


def test_a_block_of_code_is_copied_by_itself(page, model):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ask_and_finish(page, model, "Run this:\n\n```\npump --stop\n```\n")
    page.get_by_role("button", name="Copy this code").click()
    expect(page.get_by_text("Copied")).to_be_attached()
    assert page.evaluate("navigator.clipboard.readText()") == "pump --stop"


def test_the_answer_can_be_copied_as_it_was_written(page, model):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ask_and_finish(page, model)
    page.get_by_role("button", name="Copy the answer").click()
    expect(page.get_by_text("Copied")).to_be_attached()
    assert page.evaluate("navigator.clipboard.readText()") == WHOLE


def test_a_conversation_is_found_by_the_words_of_its_answer(page, model):
    ask_and_finish(page, model, "The seal kit SK-17 was formerly named Bluefin.")
    path = page.evaluate("location.pathname")
    page.goto("/chat/")
    page.keyboard.press("Control+k")
    page.keyboard.type("bluef")
    hit = page.get_by_role("navigation", name="Conversations").locator(".hit")
    expect(hit.locator("mark")).to_have_text("Bluefin")
    hit.locator(".hit-words").click()
    page.wait_for_url(lambda url: path in url)
    expect(body(page)).to_contain_text("Bluefin")


def test_a_deleted_conversation_is_taken_back(page, model):
    ask_and_finish(page, model)
    path = page.evaluate("location.pathname")
    page.goto("/chat/")
    line = page.get_by_role("listitem").filter(has=page.locator(f"[href='{path}']"))
    line.hover()
    line.get_by_role("button", name=re.compile("^Delete")).click()
    expect(page.get_by_text("is deleted.")).to_be_visible()
    expect(page.locator(f"[href='{path}']")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("heading", name=QUESTION, level=2)).to_be_visible()
    assert words(page) == WHOLE


def test_a_new_conversation_can_be_renamed_labelled_and_pinned_at_once(page, model):
    ask_and_finish(page, model)
    page.locator("[data-menu] > summary").click()
    page.get_by_role("button", name="Rename").click()
    page.get_by_label("Title").fill("Seals of the P-200")
    page.get_by_role("button", name="Rename", exact=True).last.click()
    expect(page.locator("[data-title]")).to_have_text("Seals of the P-200")
    page.locator("[data-menu] > summary").click()
    page.get_by_role("button", name="Labels").click()
    page.get_by_label("Labels", exact=True).fill("pumps")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".head-labels")).to_have_text("pumps")
    page.locator("[data-menu] > summary").click()
    page.get_by_role("button", name="Pin to the top").click()
    pinned = page.locator("[data-day=Pinned]")
    expect(pinned.locator("[aria-current=page]")).to_have_text("Seals of the P-200")
    assert not faults(page)


def test_a_conversation_is_exported_and_shared_with_a_colleague(page, model, open_as):
    ask_and_finish(page, model)
    page.locator("[data-menu] > summary").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Export as HTML").click()
    exported = Path(download.value.path())
    assert "SK-17" in exported.read_text() and "painted green" in exported.read_text()
    page.locator("[data-menu] > summary").click()
    page.get_by_role("button", name="Share with colleagues").click()
    address = page.get_by_role("button", name="Copy the link").first.get_attribute("data-copy")
    for person, words in (("bob", WHOLE[:36]), ("mallory", "not available to you")):
        colleague = open_as(person, address)
        expect(colleague.get_by_role("heading", name=QUESTION, level=1)).to_be_visible()
        expect(colleague.locator("#main")).to_contain_text(words)
        assert not faults(colleague)
    expect(colleague.get_by_text("painted green")).to_have_count(0)
    page.get_by_role("button", name="Take back").first.click()
    expect(page.get_by_text("The link is dead now.")).to_be_visible()


def test_nobody_else_opens_the_conversation(page, open_as, model):
    ask_and_finish(page, model)
    other = open_as("mallory", page.url, expect_errors=True)
    expect(other.get_by_role("heading", name="Nothing here for you")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 820, 1280])
def test_an_answer_fits_and_can_be_read_on_every_screen(open_as, model, width, theme):
    page = open_as("alice", "/chat/", width=width, theme=theme)
    ask_and_finish(page, model)
    assert not faults(page)
    body(page).locator(".cite").click()
    expect(panel(page).get_by_role("img").first).to_be_visible()
    assert not faults(page)
    if width <= 900:
        page.keyboard.press("Escape")
        expect(panel(page)).to_be_hidden()
        expect(body(page).locator(".cite")).to_be_focused()


def test_without_script_the_plain_form_asks_and_a_reload_shows_the_answer(open_as, model):
    page = open_as("alice", "/chat/", javascript=False)
    page.get_by_label("Your question").fill(QUESTION)
    page.get_by_role("button", name="Send the question").click()
    expect(page.get_by_role("heading", name=QUESTION).last).to_be_visible()
    model.next_reply().answer(WHOLE)
    for _ in range(50):
        page.reload()
        if page.get_by_role("button", name="Answer again").count():
            break
    assert words_without_script(page) == WHOLE
    page.get_by_text("sources").first.click()
    page.get_by_role("link", name="Pump manual").first.click()
    expect(page.get_by_role("heading", name="Pump manual")).to_be_visible()


def words_without_script(page):
    text = body(page).inner_text()
    return re.sub(r"\s+", " ", re.sub(r"\d+(?= It)|no source", "", text)).strip()
