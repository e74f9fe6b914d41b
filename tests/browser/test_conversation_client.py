"""The page's side of the protocol: every event, in order, twice, late, and after a lost line."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.scripted import ScriptedAnswer, ScriptedSocket, source_list

QUESTION = "Which seal kit fits the P-200 pump?"


@pytest.fixture
def socket():
    return ScriptedSocket()


@pytest.fixture
def page(open_as, socket):
    return open_as("bob", "/chat/", prepare=socket.install)


def ask(page, socket, question=QUESTION):
    count = len(socket.all_said("ask")) + 1
    page.get_by_label("Your question").fill(question)
    page.keyboard.press("Enter")
    return socket.hear(page, "ask", count)


@pytest.fixture
def answer(page, socket):
    return ScriptedAnswer(socket, ask(page, socket))


def body(page):
    return page.locator("[data-answer] [data-body]").last


def test_a_question_stands_on_the_page_before_the_server_has_spoken(page, socket):
    ask(page, socket)
    expect(page.get_by_role("heading", name=QUESTION)).to_be_visible()
    expect(page.get_by_text("Sending your question")).to_be_visible()
    expect(page.get_by_label("Your question")).to_have_value("")


def test_the_first_question_gives_the_conversation_its_address_and_title(page, socket, answer):
    expect(page).to_have_url(re.compile(f"/chat/{answer.conversation}/$"))
    expect(page).to_have_title(re.compile(QUESTION.replace("?", r"\?")))
    link = page.get_by_role("navigation", name="Conversations").get_by_role("link", name=QUESTION)
    expect(link).to_have_attribute("aria-current", "page")


def test_waiting_searching_and_found_are_said_in_words(page, answer):
    state = page.locator("[data-state]")
    answer.event("queued", position=2)
    expect(state).to_have_text("Waiting, 2 questions before yours")
    answer.event("searching")
    expect(state).to_have_text("Searching the documents")
    key = "<figure><blockquote>The seal kit is SK-17.</blockquote></figure>"
    answer.event("passages", count=1, html=source_list("Spare parts"), key=key)
    expect(state).to_have_text("1 passage found, reading")
    expect(page.get_by_role("blockquote")).to_have_text("The seal kit is SK-17.")
    panel = page.get_by_role("complementary", name="Sources")
    expect(panel.get_by_role("link", name="Spare parts")).to_be_visible()
    answer.event("text", text="The ")
    expect(state).to_be_hidden()


def test_text_streams_and_a_finished_block_takes_its_place(page, answer):
    answer.event("text", text="The **seal kit** ")
    answer.event("text", text="is SK-17.")
    expect(body(page)).to_have_text("The **seal kit** is SK-17.")
    answer.event("block", html="<p>The <strong>seal kit</strong> is SK-17.</p>")
    expect(body(page)).to_have_text("The seal kit is SK-17.")
    answer.event("text", text="Change it yearly.")
    expect(body(page).locator("p")).to_have_count(2)
    expect(page.locator("[data-spoken]")).to_contain_text("The seal kit is SK-17.")


def test_text_of_the_model_is_never_markup(page, answer):
    answer.event("text", text="<img src=x onerror=alert(1)><b>bold</b>")
    expect(body(page)).to_have_text("<img src=x onerror=alert(1)><b>bold</b>")
    expect(body(page).locator("img, b")).to_have_count(0)


def test_an_event_that_comes_twice_or_late_is_passed_over(page, answer):
    first = answer.event("text", text="one ")
    second = answer.event("text", text="two ")
    answer.send(second, "text", text="two ")
    answer.send(first, "text", text="one ")
    answer.event("text", text="three")
    expect(body(page)).to_have_text("one two three")


def test_ids_are_compared_as_numbers(page, answer):
    answer.number = 8
    for word in ("nine ", "ten ", "eleven"):
        answer.event("text", text=word)
    expect(body(page)).to_have_text("nine ten eleven")


def test_a_lost_line_is_taken_up_after_the_last_event_seen(page, socket, answer):
    last = answer.event("text", text="The seal kit ")
    expect(body(page)).to_have_text("The seal kit")
    socket.drop()
    resumed = socket.hear(page, "resume")
    assert (resumed["answer"], resumed["last"]) == (answer.id, last)
    answer.event("text", text="is SK-17.")
    expect(body(page)).to_have_text("The seal kit is SK-17.")


def test_a_question_without_acknowledgement_is_sent_again_under_the_same_id(page, socket):
    first = ask(page, socket)
    socket.drop()
    again = socket.hear(page, "ask", 2)
    assert again == first
    ScriptedAnswer(socket, again)
    expect(page.locator("[data-question-text]")).to_have_count(1)


def test_a_question_survives_a_reload_before_its_acknowledgement(page, socket):
    first = ask(page, socket)
    page.reload()
    assert socket.hear(page, "ask", 2) == first
    expect(page.get_by_role("heading", name=QUESTION)).to_be_visible()


def test_a_second_acknowledgement_changes_nothing(page, socket):
    first = ask(page, socket)
    answer = ScriptedAnswer(socket, first)
    answer.event("text", text="Kept.")
    socket.tell(
        type="asked",
        client_id=first["client_id"],
        conversation=answer.conversation,
        question="q",
        answer=answer.id,
        title=QUESTION,
    )
    answer.event("text", text=" All of it.")
    expect(body(page)).to_have_text("Kept. All of it.")


def test_a_restarted_answer_begins_from_nothing(page, answer):
    answer.event("passages", count=1, html=source_list("Spare parts"))
    answer.event("text", text="Half an ans")
    answer.restart()
    expect(page.get_by_text("The model was interrupted")).to_be_visible()
    expect(body(page)).to_have_text("")
    answer.event("text", text="A whole answer.")
    expect(body(page)).to_have_text("A whole answer.")


def test_stop_stands_where_send_was_and_is_heard(page, socket, answer):
    answer.event("text", text="A long answer")
    expect(page.get_by_role("button", name="Send the question")).to_be_hidden()
    page.get_by_role("button", name="Stop the answer").click()
    assert socket.hear(page, "stop")["answer"] == answer.id
    answer.event("stopped", html=answer.html("stopped", "<p>A long answer</p>"))
    expect(page.get_by_role("button", name="Send the question")).to_be_visible()


def test_stop_before_the_acknowledgement_is_kept_until_the_answer_has_an_id(page, socket):
    sent = ask(page, socket)
    page.keyboard.press("Escape")
    answer = ScriptedAnswer(socket, sent)
    assert socket.hear(page, "stop")["answer"] == answer.id


def test_a_long_answer_never_pushes_its_question_out_of_sight(page, answer):
    heading = page.get_by_role("heading", name=QUESTION, level=2)
    for number in range(60):
        answer.event("block", html=f"<p>Paragraph {number}</p>")
    expect(body(page)).to_contain_text("Paragraph 59")
    expect(heading).to_be_in_viewport()
    latest = page.get_by_role("button", name="Latest")
    latest.click()
    expect(body(page).get_by_text("Paragraph 59")).to_be_in_viewport()
    answer.event("block", html="<p>The last one</p>")
    expect(body(page).get_by_text("The last one")).to_be_in_viewport()
    expect(latest).to_be_hidden()


def test_a_finished_answer_replaces_what_streamed(page, answer):
    answer.event("text", text="rough")
    answer.event("done", html=answer.html(body="<p>Smooth.</p>"))
    expect(body(page)).to_have_text("Smooth.")
    expect(page.get_by_role("button", name="Send the question")).to_be_visible()
    expect(page.locator("[data-spoken]")).to_contain_text("Answer finished.")


def test_a_refused_question_comes_back_into_the_field(page, socket):
    sent = ask(page, socket)
    socket.tell(
        type="error", code="too_many", message="Many are waiting.", client_id=sent["client_id"]
    )
    expect(page.get_by_role("alert").get_by_text("Many are waiting.")).to_be_visible()
    expect(page.get_by_label("Your question")).to_have_value(QUESTION)
    expect(page.locator("[data-question-text]")).to_have_count(0)


def test_without_its_stream_an_answer_is_read_from_its_row_until_it_ends(page, socket, answer):
    answer.event("text", text="From the stream")
    row = answer.html("running", "<p>From the row</p>")
    socket.tell(type="snapshot", answer=answer.id, status="running", html=row)
    expect(body(page)).to_have_text("From the row")
    socket.hear(page, "resume")
    final = answer.html("complete", "<p>All of it</p>")
    socket.tell(type="snapshot", answer=answer.id, status="complete", html=final)
    expect(body(page)).to_have_text("All of it")
    expect(page.get_by_role("button", name="Send the question")).to_be_visible()


def test_a_draft_survives_a_reload(page):
    page.get_by_label("Your question").fill("Half a question")
    page.reload()
    expect(page.get_by_label("Your question")).to_have_value("Half a question")


def test_shift_enter_breaks_the_line_and_an_example_is_asked_at_once(page, socket):
    page.get_by_label("Your question").fill("one")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("two")
    expect(page.get_by_label("Your question")).to_have_value("one\ntwo")
    assert not socket.all_said("ask")
    page.get_by_role("link", name=QUESTION).click()
    assert socket.hear(page, "ask")["question"] == QUESTION


def test_the_keyboard_reaches_field_search_and_help(page):
    page.get_by_role("heading", name="What would you like to know?").click()
    page.keyboard.press("/")
    expect(page.get_by_label("Your question")).to_be_focused()
    page.keyboard.press("Control+k")
    expect(page.get_by_label("Search your conversations")).to_be_focused()
    page.locator("body").click(position={"x": 600, "y": 300})
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Help")).to_be_hidden()


def test_a_refused_connection_is_said_and_not_tried_for_ever(page, socket):
    socket.drop(code=4401)
    expect(page.get_by_text("You are signed out")).to_be_visible()
    assert len(socket.routes) == 1


def test_a_page_whose_person_is_signed_out_says_so(page, socket):
    page.context.clear_cookies()
    socket.accepts = False
    socket.drop()
    expect(page.get_by_text("You are signed out")).to_be_visible()


def test_a_slow_reader_comes_back_for_the_rest(page, socket, answer):
    last = answer.event("text", text="So far ")
    expect(body(page)).to_have_text("So far")
    socket.drop(code=4408)
    assert socket.hear(page, "resume")["last"] == last
