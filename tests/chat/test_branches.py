"""A conversation is a tree: which branch is shown, gone on with, and seen by the model."""

import asyncio
import json
from uuid import uuid4

import pytest
from django.urls import reverse

from chat.answering import answer as write_answer
from chat.asking import go_on, regenerate
from chat.branches import Tree, show_branch
from chat.errors import NotFound, StateConflict
from chat.leases import claim_waiting
from chat.models import Answer, Conversation, Question, Receipt
from chat.reading import show_conversation
from chat.threads import in_thread
from phi3site.audit.models import AuditEvent
from tests.fakes import ScriptedEngine

pytestmark = pytest.mark.django_db


def finish(answer, text="It is SK-17.", **fields):
    values = {"status": "complete", "text": text, **fields}
    Answer.objects.filter(pk=answer.pk).update(**values)
    return answer


@pytest.fixture
def talk(alice, ask_as):
    """Two questions, both answered."""
    first = finish(ask_as(alice, "Which seal kit?"))
    conversation = first.question.conversation
    second = finish(ask_as(alice, "What does it cost?", conversation_id=conversation.pk))
    return conversation, first, second


def shown(conversation, user):
    turns = show_conversation(Conversation.objects.get(pk=conversation.pk), user)
    return [(turn.question.text, turn.shown.answer.pk) for turn in turns]


def test_an_edited_question_stands_beside_the_first_and_hides_what_followed(alice, ask_as, talk):
    conversation, first, second = talk
    edited = ask_as(
        alice, "Which bearing?", conversation_id=conversation.pk, edits=first.question_id
    )
    assert edited.question.after is None
    assert shown(conversation, alice) == [("Which bearing?", edited.pk)]
    (turn,) = show_conversation(Conversation.objects.get(pk=conversation.pk), alice)
    assert (turn.place.number, turn.place.count) == (2, 2)
    assert turn.place.before == first.question_id and turn.place.after is None
    show_branch(alice, first.question_id)
    assert [pk for _, pk in shown(conversation, alice)] == [first.pk, second.pk]


def test_a_new_question_follows_the_branch_that_is_shown(alice, ask_as, talk):
    conversation, first, second = talk
    ask_as(alice, "Which bearing?", conversation_id=conversation.pk, edits=first.question_id)
    show_branch(alice, second.pk)
    third = ask_as(alice, "And in stock?", conversation_id=conversation.pk)
    assert third.question.after_id == second.pk
    assert [pk for _, pk in shown(conversation, alice)] == [first.pk, second.pk, third.pk]


def test_an_answer_in_the_middle_given_again_starts_a_branch(alice, talk):
    conversation, first, second = talk
    fresh = regenerate(alice, first.pk)
    assert [pk for _, pk in shown(conversation, alice)] == [fresh.pk]
    show_branch(alice, first.pk)
    assert [pk for _, pk in shown(conversation, alice)] == [first.pk, second.pk]


def test_a_conversation_from_before_there_were_branches_shows_its_newest(alice, talk):
    conversation, first, second = talk
    Conversation.objects.update(shown=None)
    assert [pk for _, pk in shown(conversation, alice)] == [first.pk, second.pk]
    assert Tree(Conversation.objects.create(owner=alice)).branch() == []


def test_the_branch_that_is_shown_is_in_the_log(alice, talk):
    conversation, first, _ = talk
    show_branch(alice, first.pk)
    event = AuditEvent.objects.get(action="conversation.branch_shown")
    assert event.target_id == str(conversation.pk) and event.actor_id == alice.pk


def test_a_question_of_another_conversation_can_not_be_edited_here(alice, ask_as, talk):
    other = ask_as(alice, "Something else?")
    before = Question.objects.count()
    with pytest.raises(NotFound):
        ask_as(alice, "X?", conversation_id=talk[0].pk, edits=other.question_id)
    assert Question.objects.count() == before


def test_only_an_answer_that_was_cut_off_goes_on(alice, talk):
    _, first, second = talk
    with pytest.raises(StateConflict):
        go_on(alice, second.pk)
    finish(first, "It is", stop_reason="length")
    more = go_on(alice, first.pk)
    assert more.continues_id == first.pk and more.question_id == first.question_id
    assert go_on(alice, first.pk) == more
    details = json.loads(AuditEvent.objects.get(action="answer.continued").details)
    assert details["continues"] == str(first.pk)


class TestTheModel:
    """What the engine is shown."""

    pytestmark = pytest.mark.django_db(transaction=True)

    async def run(self, engine, valkey):
        (claim,) = await in_thread(claim_waiting)("w1", 1)
        await write_answer(claim, engine, valkey=valkey, stop=asyncio.Event())
        return await Answer.objects.aget(pk=claim.answer_id)

    async def test_sees_the_shown_branch_as_history_and_no_other(
        self, alice, ask_as, expert, valkey
    ):
        await in_thread(lambda: expert.live_version.collections.clear())()
        ask = in_thread(ask_as)
        first = await ask(alice, "First version?")
        await self.run(ScriptedEngine(["Said one."]), valkey)
        conversation = first.question.conversation_id
        await ask(alice, "Second version?", conversation_id=conversation, edits=first.question_id)
        await self.run(ScriptedEngine(["Said two."]), valkey)
        await ask(alice, "And then?", conversation_id=conversation)
        engine = ScriptedEngine(["Said three."])
        await self.run(engine, valkey)
        prompt = engine.prompts[0][0].text
        assert "Second version?" in prompt and "Said two." in prompt
        assert "First version?" not in prompt and "Said one." not in prompt

    async def test_goes_on_after_the_very_words_and_the_whole_is_one_answer(
        self, alice, ask_as, valkey
    ):
        cut = await in_thread(ask_as)(alice)
        await in_thread(finish)(cut, "The seal kit ", stop_reason="length")
        await in_thread(go_on)(alice, cut.pk)
        engine = ScriptedEngine([" is SK-17."])
        answer = await self.run(engine, valkey)
        assert engine.prompts[0][0].text.endswith("assistant: The seal kit")
        assert answer.text == "The seal kit is SK-17."
        citation = await answer.citations.afirst()
        assert answer.text[citation.start : citation.end] == answer.text
        body = json.loads((await Receipt.objects.aget(answer=answer)).body)
        assert body["asked"]["continues"] == str(cut.pk)
        streamed = [
            json.loads(fields[b"e"]).get("text", "")
            for _, fields in await valkey.xrange(f"answer:{answer.pk}")
        ]
        assert "".join(streamed) == answer.text


def post(client, name, *args, **headers):
    return client.post(reverse(name, args=args), headers=headers)


def test_switches_work_by_form_and_give_a_script_the_thread(client, alice, talk):
    conversation, first, second = talk
    client.force_login(alice)
    assert post(client, "chat:again", second.pk).url == conversation.get_absolute_url()
    page = client.get(conversation.get_absolute_url()).content.decode()
    assert "2/2" in page and reverse("chat:show", args=[second.pk]) in page
    partial = post(client, "chat:show", second.pk, **{"HX-Request": "true"}).content.decode()
    assert "1/2" in partial and "<html" not in partial and str(first.pk) in partial
    again = client.get(reverse("chat:thread", args=[conversation.pk])).content.decode()
    assert again.count("<section") == 2 and "1/2" in again


def test_without_script_an_earlier_question_is_edited_in_the_field(client, alice, talk, expert):
    conversation, first, _ = talk
    client.force_login(alice)
    page = client.get(f"{conversation.get_absolute_url()}?edit={first.question_id}")
    html = page.content.decode()
    assert f'name="edits" value="{first.question_id}"' in html
    assert ">Which seal kit?</textarea>" in html
    form = {
        "question": "Which ring?",
        "expert": expert.pk,
        "conversation": conversation.pk,
        "edits": first.question_id,
    }
    client.post(reverse("chat:ask"), form)
    assert [text for text, _ in shown(conversation, alice)] == ["Which ring?"]


def test_the_api_edits_shows_and_continues(client, alice, talk, expert):
    conversation, first, second = talk
    client.force_login(alice)
    body = {
        "client_id": str(uuid4()),
        "expert": str(expert.pk),
        "question": "Which ring?",
        "conversation": str(conversation.pk),
        "edits": str(first.question_id),
    }
    edited = client.post("/api/questions", body, content_type="application/json").json()
    detail = client.get(f"/api/conversations/{conversation.pk}").json()
    assert detail["shown"] == edited["answer"]
    afters = [question["after"] for question in detail["questions"]]
    assert afters == [None, str(first.pk), None]
    assert client.post(f"/api/answers/{second.pk}/show").status_code == 204
    assert client.get(f"/api/conversations/{conversation.pk}").json()["shown"] == str(second.pk)
    assert client.post(f"/api/answers/{second.pk}/continue").status_code == 409
    finish(second, "It", stop_reason="length")
    assert client.post(f"/api/answers/{second.pk}/continue").status_code == 202
