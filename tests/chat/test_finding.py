"""Conversations are found by the words of titles, questions and answers; only one's own."""

import pytest
from django.urls import reverse

from chat.finding import find
from chat.models import Answer, Conversation
from chat.organising import archive, delete_conversation

pytestmark = pytest.mark.django_db


@pytest.fixture
def talk(alice, ask_as):
    answer = ask_as(alice, "Which seal kit fits the Heron pump?")
    text = "The kit is SK-17. Dry running destroys the <b>shaft</b> seal if 5 < 7 & 8."
    Answer.objects.filter(pk=answer.pk).update(text=text)
    return answer.question.conversation


@pytest.mark.parametrize("words", ["heron", "HERON pump", "dest", "SK-17", "seal, kit!"])
def test_words_and_their_beginnings_are_found_wherever_they_stand(alice, talk, words):
    (hit,) = find(alice, words)
    assert hit.conversation == talk


@pytest.mark.parametrize("words", ["osprey", "heron osprey", "", "  ", "'", "\\", "& | !", "\x00"])
def test_what_stands_nowhere_and_what_is_no_word_finds_nothing(alice, talk, words):
    assert find(alice, words) == []


def test_a_snippet_shows_the_place_and_never_markup_of_the_text(alice, talk):
    (hit,) = find(alice, "shaft")
    (snippet,) = hit.snippets
    assert snippet.is_answer and snippet.part == Answer.objects.get().pk
    assert "<mark>shaft</mark>" in snippet.html and "<b>" not in snippet.html
    assert "5 &lt; 7 &amp; 8" in snippet.html


def test_a_title_is_found_and_marked(alice, talk):
    Conversation.objects.update(title="Warranty <of> the Osprey")
    (hit,) = find(alice, "warranty")
    assert hit.title == "<mark>Warranty</mark> &lt;of&gt; the Osprey" and not hit.snippets


def test_nobody_finds_what_is_not_theirs_or_is_deleted(alice, bob, mallory, talk):
    assert find(bob, "heron") == find(mallory, "heron") == []
    archive(alice, talk.pk, is_archived=True)
    assert len(find(alice, "heron")) == 1
    delete_conversation(alice, talk.pk)
    assert find(alice, "heron") == []


def test_the_newest_come_first_and_each_once(alice, ask_as, talk):
    other = ask_as(alice, "Is the Heron pump loud? The Heron!").question.conversation
    assert [hit.conversation for hit in find(alice, "heron")] == [other, talk]


def test_the_page_searches_with_and_without_script(client, alice, talk):
    client.force_login(alice)
    for url in (reverse("chat:home"), reverse("chat:list")):
        page = client.get(url, {"q": "shaft"}).content.decode()
        answer = Answer.objects.get()
        assert "<mark>shaft</mark>" in page and reverse("chat:show", args=[answer.pk]) in page
    opened = client.post(reverse("chat:show", args=[answer.pk]))
    assert opened.url == f"{talk.get_absolute_url()}#question-{answer.question_id}"
    assert "Nothing found" in client.get(reverse("chat:list"), {"q": "osprey"}).content.decode()


def test_the_api_searches(client, alice, talk):
    client.force_login(alice)
    (hit,) = client.get("/api/conversations/search?words=shaft").json()
    assert hit["conversation"]["id"] == str(talk.pk)
    assert "<mark>shaft</mark>" in hit["snippets"][0]["html"]
