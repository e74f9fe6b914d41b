"""The employee's pages: what the owner sees, and that nobody else sees any of it."""

import json
from uuid import uuid4

import pytest
from django.urls import reverse

from chat.models import Answer, Conversation, Question
from chat.rendering import render_markdown
from knowledge.models import Chunk

pytestmark = pytest.mark.django_db


@pytest.fixture
def answer(cited):
    return cited


def get(client, name, *args, **headers):
    return client.get(reverse(name, args=args), headers=headers)


def test_a_conversation_shows_its_answer_with_chips_and_sources(client, alice, answer):
    client.force_login(alice)
    page = get(client, "chat:conversation", answer.question.conversation_id).content.decode()
    passage = answer.passages.get()
    assert 'data-verdict="supported"' in page and f"/chat/passages/{passage.pk}/" in page
    assert (
        "Service handbook" in page and "[1]" not in page.split("answer-body")[1].split("</div>")[0]
    )


def test_the_answer_alone_is_the_partial_that_the_socket_sends(client, alice, answer):
    client.force_login(alice)
    partial = get(client, "chat:answer", answer.pk).content.decode()
    assert partial.lstrip().startswith("<article") and "SK-17" in partial


def test_a_passage_opens_at_its_best_words(client, alice, answer):
    client.force_login(alice)
    passage = answer.passages.get()
    page = get(client, "chat:passage", passage.pk).content.decode()
    assert f"<mark>{passage.text[:40]}</mark>" in page and "<html" in page
    partial = get(client, "chat:passage", passage.pk, **{"HX-Request": "true"}).content.decode()
    assert f"<mark>{passage.text[:40]}</mark>" in partial and "<html" not in partial


def test_a_joined_passage_opens_its_document_with_all_its_chunks(client, alice, answer):
    client.force_login(alice)
    passage = answer.passages.get()
    chunks = Chunk.objects.filter(version=passage.version_id)
    after = chunks.exclude(pk=passage.chunk_id).first()
    chunks.filter(pk=passage.chunk_id).update(ordinal=50)
    chunks.filter(pk=after.pk).update(ordinal=51)
    url = f"?chunk={passage.chunk_id}"
    assert f"{url}#page-" in get(client, "chat:passage", passage.pk).content.decode()
    passage.text = f"{passage.text}\n{after.text}"
    passage.save()
    both = f"{url}&amp;chunk={after.pk}#page-"
    assert both in get(client, "chat:passage", passage.pk).content.decode()


def test_a_passage_whose_document_is_closed_keeps_its_name_alone(client, alice, team, answer):
    alice.groups.remove(team)
    client.force_login(alice)
    passage = answer.passages.get()
    words = passage.text[:30]
    for name, key in (
        ("chat:passage", passage.pk),
        ("chat:answer", answer.pk),
        ("chat:conversation", answer.question.conversation_id),
    ):
        page = get(client, name, key)
        assert page.status_code == 200 and words not in page.content.decode()


def test_asking_by_plain_form_works_without_script(client, alice, expert):
    client.force_login(alice)
    form = {"question": "Which seal?", "expert": expert.pk, "conversation": ""}
    response = client.post(reverse("chat:ask"), form)
    conversation = Conversation.objects.get(owner=alice)
    assert response.url == reverse("chat:conversation", args=[conversation.pk])
    follow_up = form | {"conversation": conversation.pk, "question": "And its price?"}
    assert client.post(reverse("chat:ask"), follow_up).url == response.url
    assert Question.objects.count() == 2


def test_a_form_that_can_not_be_taken_says_why(client, alice, expert):
    client.force_login(alice)
    for form in ({}, {"question": "x", "expert": "x"}):
        assert b"Write a question" in client.post(reverse("chat:ask"), form, follow=True).content
    long = {"question": "x" * 9000, "expert": expert.pk}
    assert b"Shorten it" in client.post(reverse("chat:ask"), long, follow=True).content


def test_a_question_that_is_too_long_comes_back_with_the_reason(client, alice, expert, settings):
    settings.CHAT_MAX_QUESTION_CHARS = 30
    client.force_login(alice)
    sent = {"question": "Which seal kit fits the <Heron> pump?", "expert": expert.pk}
    response = client.post(reverse("chat:ask"), sent)
    assert response.status_code == 422
    page = response.content.decode()
    assert "The question has 37 characters; 30 are possible." in page
    assert ">Which seal kit fits the &lt;Heron&gt; pump?</textarea>" in page
    assert 'data-limit="30"' in page
    assert "maxlength" not in page[page.index("<textarea") : page.index("</textarea>")]


@pytest.mark.parametrize("title", ["", "   ", "\x00 \n"])
def test_a_title_of_blanks_is_refused_where_one_is(client, alice, answer, title):
    client.force_login(alice)
    conversation = answer.question.conversation
    address = reverse("chat:rename", args=[conversation.pk])
    response = client.post(address, {"title": title}, follow=True)
    assert response.redirect_chain == [(conversation.get_absolute_url(), 302)]
    assert "A title needs at least one character. The old one is kept." in response.content.decode()
    before = conversation.title
    conversation.refresh_from_db()
    assert conversation.title == before


def test_stop_again_feedback_rename_and_delete_by_form(client, alice, answer):
    client.force_login(alice)
    conversation = answer.question.conversation
    rated = client.post(
        reverse("chat:feedback", args=[answer.pk]), {"thumb": "up"}, headers={"HX-Request": "true"}
    )
    assert 'aria-pressed="true"' in rated.content.decode()
    assert client.post(reverse("chat:again", args=[answer.pk])).status_code == 302
    fresh = Answer.objects.get(status="queued")
    client.post(reverse("chat:stop", args=[fresh.pk]))
    fresh.refresh_from_db()
    assert fresh.status == "stopped"
    client.post(reverse("chat:rename", args=[conversation.pk]), {"title": " New  title "})
    conversation.refresh_from_db()
    assert conversation.title == "New title"
    client.post(reverse("chat:delete", args=[conversation.pk]))
    assert get(client, "chat:conversation", conversation.pk).status_code == 404


ADDRESSES = [
    ("get", "chat:conversation", "conversation"),
    ("get", "chat:answer", "answer"),
    ("get", "chat:passage", "passage"),
    ("post", "chat:again", "answer"),
    ("post", "chat:stop", "answer"),
    ("post", "chat:feedback", "answer"),
    ("post", "chat:rename", "conversation"),
    ("post", "chat:delete", "conversation"),
]


@pytest.mark.parametrize(("method", "name", "what"), ADDRESSES)
def test_foreign_things_are_as_if_missing(
    client, bob, mallory, auditor, answer, method, name, what
):
    keys = {
        "conversation": answer.question.conversation_id,
        "answer": answer.pk,
        "passage": answer.passages.get().pk,
    }
    for user in (bob, mallory):
        client.force_login(user)
        foreign = getattr(client, method)(reverse(name, args=[keys[what]]), {"thumb": "up"})
        missing = getattr(client, method)(reverse(name, args=[uuid4()]), {"thumb": "up"})
        assert foreign.status_code == missing.status_code == 404
        assert "SK-17" not in foreign.content.decode()
    client.force_login(auditor)
    assert getattr(client, method)(reverse(name, args=[keys[what]])).status_code == 403
    client.logout()
    assert reverse("sign_in") in getattr(client, method)(reverse(name, args=[keys[what]])).url


def test_a_list_of_conversations_is_ones_own(client, bob, answer):
    client.force_login(bob)
    assert "seal kit of the Heron pump" not in get(client, "chat:home").content.decode()


def test_the_number_of_queries_does_not_grow_with_the_conversation(
    client, alice, ask_as, answer, django_assert_max_num_queries
):
    conversation = answer.question.conversation_id
    for number in range(5):
        ask_as(alice, f"Question {number}?", conversation_id=conversation)
    client.force_login(alice)
    with django_assert_max_num_queries(30):
        assert get(client, "chat:conversation", conversation).status_code == 200


def test_an_answer_without_citations_is_plain_markdown():
    assert render_markdown("**Yes** <b>") == "<p><strong>Yes</strong> &lt;b&gt;</p>\n"


def api(client, method, path, body=None):
    data = json.dumps(body) if body else ""
    return client.generic(method.upper(), f"/api{path}", data, content_type="application/json")


def test_the_api_asks_once_and_shows_the_answer(client, alice, expert, answer):
    client.force_login(alice)
    assert [each["name"] for each in client.get("/api/experts").json()["items"]] == ["Service"]
    body = {"client_id": str(uuid4()), "expert": str(expert.pk), "question": "Which seal?"}
    first, again = api(client, "post", "/questions", body), api(client, "post", "/questions", body)
    assert first.status_code == again.status_code == 202 and first.json() == again.json()
    clash = api(client, "post", "/questions", body | {"question": "Which ring?"})
    assert (clash.status_code, clash.json()["code"]) == (409, "client_id_reused")
    shown = client.get(f"/api/answers/{answer.pk}").json()
    assert shown["text"] == "The seal kit is SK-17 [1]." and shown["status"] == "complete"
    assert shown["citations"][0]["passage"] == shown["passages"][0]["id"]
    detail = client.get(f"/api/conversations/{answer.question.conversation_id}").json()
    assert detail["questions"][0]["answers"] == [str(answer.pk)]
    rated = api(client, "put", f"/answers/{answer.pk}/feedback", {"thumb": "down", "comment": "no"})
    assert rated.json()["comment"] == "no"
    stopped = api(client, "post", f"/answers/{first.json()['answer']}/stop")
    assert stopped.status_code == 202
    assert api(client, "post", f"/answers/{answer.pk}/again").status_code == 202
    gone = client.delete(f"/api/conversations/{answer.question.conversation_id}")
    assert gone.status_code == 204


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/conversations/{conversation}"),
        ("delete", "/conversations/{conversation}"),
        ("get", "/answers/{answer}"),
        ("post", "/answers/{answer}/stop"),
        ("post", "/answers/{answer}/again"),
        ("put", "/answers/{answer}/feedback"),
    ],
)
def test_the_api_hides_foreign_things(client, bob, auditor, answer, method, path):
    path = path.format(conversation=answer.question.conversation_id, answer=answer.pk)
    assert api(client, method, path, {"thumb": "up"}).status_code == 401
    client.force_login(bob)
    refused = api(client, method, path, {"thumb": "up"})
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    client.force_login(auditor)
    assert api(client, method, path, {"thumb": "up"}).status_code == 403
