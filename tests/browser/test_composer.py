"""Where a question is written: whom it asks, how long it may be, and that nothing typed is lost."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.looks import faults
from tests.browser.scripted import ScriptedAnswer, ScriptedSocket

LIMIT = 8000
EMOJI = "\U0001f527"  # one character that a browser's string counts as two


@pytest.fixture
def socket():
    return ScriptedSocket()


@pytest.fixture
def page(open_as, socket):
    return open_as("bob", "/chat/", prepare=socket.install)


def field(page):
    return page.get_by_label("Your question")


def left(page):
    return page.locator("[data-question-left]")


def test_the_field_names_the_expert_that_is_chosen(page):
    chosen = page.get_by_role("combobox", name="Expert")
    first = chosen.evaluate("e => e.selectedOptions[0].text")
    expect(field(page)).to_have_attribute("placeholder", f"Ask {first}…")
    chosen.evaluate("e => e.add(new Option('Office', 'office'))")
    chosen.select_option("office")
    expect(field(page)).to_have_attribute("placeholder", "Ask Office…")


def test_what_is_pasted_stays_whole_and_the_rest_is_counted_down(page):
    field(page).fill("a" * 100)
    expect(left(page)).to_be_hidden()
    field(page).fill("a" * (LIMIT - 120))
    expect(left(page)).to_have_text("120 characters left")
    field(page).fill(EMOJI * (LIMIT + 35))
    expect(left(page)).to_have_text("35 characters too many")
    assert len(field(page).input_value()) == LIMIT + 35
    assert not faults(page)


def test_a_question_that_is_too_long_is_refused_and_kept(page, socket):
    text = "a" * (LIMIT + 1)
    field(page).fill(text)
    page.keyboard.press("Enter")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("Shorten yours by 1; it is kept here.")
    expect(field(page)).to_have_value(text)
    assert not socket.all_said("ask")
    field(page).fill("a" * LIMIT)
    page.keyboard.press("Enter")
    assert len(socket.hear(page, "ask", 1)["question"]) == LIMIT
    expect(alert).to_be_hidden()


def test_without_script_a_question_that_is_too_long_comes_back(open_as):
    page = open_as("bob", "/chat/", javascript=False, expect_errors=True)
    text = "b" * (LIMIT + 1)
    field(page).fill(text)
    page.get_by_role("button", name="Send the question").click()
    expect(page.get_by_role("status").first).to_contain_text("8,001 characters")
    expect(field(page)).to_have_value(text)


def test_a_title_of_blanks_is_refused_with_the_reason(page, socket):
    field(page).fill("Which seal kit?")
    page.keyboard.press("Enter")
    answer = ScriptedAnswer(socket, socket.hear(page, "ask"))
    page.locator("[data-menu] > summary").click()
    page.get_by_role("button", name="Rename").click()
    title = page.get_by_label("Title")
    title.fill("   ")
    page.get_by_role("button", name="Rename", exact=True).last.click()
    expect(title).to_be_visible()
    assert title.evaluate("e => e.validity.patternMismatch")
    assert "at least one character" in title.get_attribute("title")
    expect(page).to_have_url(re.compile(f"/chat/{answer.conversation}/$"))


def test_a_file_begins_a_conversation_and_keeps_what_was_being_written(page):
    field(page).fill("Which gasket")
    notes = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"The gasket is GK-44."}
    page.get_by_label("Attach files").set_input_files([notes])
    page.wait_for_url(re.compile("/chat/[0-9a-f-]{36}/$"))
    expect(page.get_by_role("list", name="Attached files")).to_contain_text("Notes")
    expect(field(page)).to_have_value("Which gasket")
    assert not faults(page)
    page.get_by_role("button", name="Remove Notes").click()
    expect(page.get_by_role("list", name="Attached files")).to_have_count(0)
