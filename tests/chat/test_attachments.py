"""Files of one conversation: its owner alone reads them, and they go when it goes."""

import asyncio
import json
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from chat import attachments
from chat.answering import answer as write_answer
from chat.attachments import attach, attachments_of, detach, expire
from chat.errors import NotFound, QuestionRefused
from chat.forms import ImportForm, VersionForm
from chat.leases import claim_waiting
from chat.models import Answer, Conversation, Receipt
from chat.organising import delete_conversation, restore_conversation
from chat.sharing import share
from chat.threads import in_thread
from knowledge.models import Collection, Document, DocumentVersion
from knowledge.search_forms import SearchTestForm
from phi3site.audit.models import AuditEvent
from tests.chat.conftest import add_document
from tests.fakes import ScriptedEngine

pytestmark = pytest.mark.django_db
FACT = "The gasket of the Heron pump in hall seven is GK-44. It was fitted in May."


def file(name="notes.txt", content=FACT):
    return SimpleUploadedFile(name, content.encode())


@pytest.fixture
def talk(alice):
    """A conversation of Alice's with one file, not read yet."""
    return attach(alice, None, file())


def test_a_file_starts_a_conversation_of_its_own(alice, talk):
    (found,) = attachments_of(talk)
    assert found.document.title == "Notes" and not found.is_settled
    assert talk.files.is_private and talk.files.private_to == alice
    event = AuditEvent.objects.get(action="conversation.file_attached")
    assert json.loads(event.details) == {"document": str(found.document.pk)}


def test_the_first_question_gives_such_a_conversation_its_title(alice, talk, ask_as):
    ask_as(alice, "Which gasket?", conversation_id=talk.pk)
    assert Conversation.objects.get().title == "Which gasket?"


def test_its_collection_is_offered_nowhere_not_even_to_its_owner(client, alice, talk):
    client.force_login(alice)
    listed = client.get("/api/collections").json()["items"]
    assert talk.files.name not in [each["name"] for each in listed]
    for form in (ImportForm(user=alice), SearchTestForm(user=alice)):
        assert talk.files not in form.fields["collections"].queryset


def test_nobody_else_reads_or_manages_it_whatever_their_role(
    alice, bob, mallory, curator, admin, talk
):
    for person in (bob, mallory, curator, admin):
        for found in (
            Collection.objects.visible_to(person),
            Collection.objects.readable_by(person),
            Collection.objects.manageable_by(person),
        ):
            assert talk.files not in found
        assert not Document.objects.visible_to(person).filter(collection=talk.files)
        assert not DocumentVersion.objects.manageable_by(person)
    assert talk.files in Collection.objects.visible_to(alice)
    assert not Document.objects.manageable_by(alice).exists()


def test_who_lost_the_account_that_owned_it_does_not_open_it_to_others(alice, admin, talk):
    Collection.objects.update(private_to=None)
    assert talk.files not in Collection.objects.readable_by(admin)
    assert talk.files not in Collection.objects.readable_by(alice)


def test_no_expert_is_built_on_private_files(admin):
    attach(admin, None, file())
    shown = VersionForm(user=admin).fields["collections"].queryset
    assert not shown.filter(is_private=True).exists()


def test_files_are_limited_and_refusals_say_why(client, alice, bob, talk, monkeypatch):
    monkeypatch.setattr(attachments, "MOST", 1)
    with pytest.raises(QuestionRefused):
        attach(alice, talk.pk, file("more.txt", "More."))
    with pytest.raises(NotFound):
        attach(bob, talk.pk, file())
    client.force_login(alice)
    url = reverse("chat:attach", args=[talk.pk])
    refused = client.post(url, {"file": file("bad.exe", "MZ\x00\x01")}, follow=True)
    assert "bad.exe:" in refused.content.decode()


def test_a_file_is_removed_for_good(alice, bob, talk):
    document = attachments_of(talk)[0].document
    with pytest.raises(NotFound):
        detach(bob, document.pk)
    detach(alice, document.pk)
    assert attachments_of(talk) == []
    document.refresh_from_db()
    assert document.state == Document.State.PURGED
    with pytest.raises(NotFound):
        detach(alice, document.pk)


def test_files_go_with_their_conversation_come_back_and_end(alice, talk):
    delete_conversation(alice, talk.pk)
    talk.files.refresh_from_db()
    assert talk.files.state == "trashed"
    restore_conversation(alice, talk.pk)
    talk.files.refresh_from_db()
    assert talk.files.state == "active" and len(attachments_of(talk)) == 1
    delete_conversation(alice, talk.pk)
    assert expire() == 0
    late = timezone.now() - attachments.UNDO_FOR - timedelta(minutes=1)
    Conversation.objects.update(deleted_at=late)
    assert expire() == 1 and expire() == 0
    assert Document.objects.get().state == Document.State.PURGED


def test_files_of_a_conversation_that_is_left_expire(alice, talk, settings):
    settings.CHAT_ATTACHMENT_DAYS = 7
    Conversation.objects.update(updated_at=timezone.now() - timedelta(days=6))
    assert expire() == 0
    Conversation.objects.update(updated_at=timezone.now() - timedelta(days=8))
    assert expire() == 1
    assert AuditEvent.objects.filter(action="conversation.files_expired").exists()
    talk.refresh_from_db()
    again = attach(alice, talk.pk, file())
    assert [each.document.title for each in attachments_of(again)] == ["Notes"]


def test_the_page_shows_how_far_files_are_and_removes_them(client, alice, talk):
    client.force_login(alice)
    page = client.get(talk.get_absolute_url()).content.decode()
    assert "being read" in page and 'hx-trigger="load delay:2s"' in page
    DocumentVersion.objects.update(status="ready")
    partial = client.get(reverse("chat:attachments", args=[talk.pk])).content.decode()
    assert "being read" not in partial and "hx-trigger" not in partial
    document = attachments_of(talk)[0].document
    client.post(reverse("chat:detach", args=[document.pk]))
    assert "Notes" not in client.get(talk.get_absolute_url()).content.decode()


def test_the_form_without_a_conversation_makes_one(client, alice):
    client.force_login(alice)
    url = reverse("chat:attach_first")
    made = client.post(url, {"file": [file(), file("other.txt", "Another text.")]})
    conversation = Conversation.objects.get()
    assert made.url == conversation.get_absolute_url()
    titles = [each.document.title for each in attachments_of(conversation)]
    assert titles == ["Notes", "Other"]
    assert client.post(url).url == reverse("chat:home")


def test_the_api_adds_lists_and_removes(client, alice, talk):
    client.force_login(alice)
    url = f"/api/conversations/{talk.pk}/attachments"
    assert client.post(url, {"file": file("other.txt", "Another text.")}).status_code == 202
    found = client.get(url).json()
    assert [(each["title"], each["status"]) for each in found] == [
        *(("Notes", "queued"), ("Other", "queued")),
    ]
    assert client.delete(f"/api/attachments/{found[0]['id']}").status_code == 204
    assert [each["title"] for each in client.get(url).json()] == ["Other"]


class TestAnswers:
    """What questions find."""

    pytestmark = pytest.mark.django_db(transaction=True)

    @pytest.fixture
    def read(self, alice, expert):
        """The file, as the ingestion would have left it."""
        conversation = attach(alice, None, file())
        with transaction.atomic():
            Document.objects.filter(collection=conversation.files).delete()
            add_document(conversation.files, "Notes", [FACT])
        return conversation

    async def answer(self, asked, valkey):
        engine = ScriptedEngine(["The gasket in hall seven is GK-44."])
        (claim,) = await in_thread(claim_waiting)("w1", 1)
        await write_answer(claim, engine, valkey=valkey, stop=asyncio.Event())
        return await Answer.objects.aget(pk=asked.pk), engine

    async def test_this_conversation_finds_them_and_another_does_not(
        self, alice, ask_as, read, valkey
    ):
        question = "Which gasket is in hall seven?"
        asked = await in_thread(ask_as)(alice, question, conversation_id=read.pk)
        found, engine = await self.answer(asked, valkey)
        assert FACT in engine.prompts[0][0].text and not found.is_abstention
        body = json.loads((await Receipt.objects.aget(answer=found)).body)
        assert attachments.NAME in body["looked_up"]["collections"].values()
        elsewhere = await in_thread(ask_as)(alice, question)
        _, engine = await self.answer(elsewhere, valkey)
        assert not any(FACT in prompt.text for prompt, *_ in engine.prompts)

    async def test_a_colleague_with_the_share_sees_nothing_of_them(
        self, alice, bob, client, ask_as, read, valkey
    ):
        question = "Which gasket is in hall seven?"
        asked = await in_thread(ask_as)(alice, question, conversation_id=read.pk)
        await self.answer(asked, valkey)

        def look():
            made = share(alice, read.pk)
            client.force_login(bob)
            return client.get(made.get_absolute_url()).content.decode()

        html = await in_thread(look)()
        assert "GK-44" not in html and "not available to you" in html
