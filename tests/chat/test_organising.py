"""Conversations in order: pinned, labelled, archived, deleted and taken back; listed by pages."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from chat import listing, organising
from chat.errors import NotFound, QuestionRefused
from chat.listing import labels_of, list_conversations
from chat.models import Answer, Conversation
from phi3site.audit.models import AuditEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def made(alice):
    """made("Seals", days=3) → a conversation of Alice's, changed so many days ago."""

    def make(title, days=0, owner=alice, **fields):
        conversation = Conversation.objects.create(owner=owner, title=title, **fields)
        moment = timezone.now() - timedelta(days=days)
        Conversation.objects.filter(pk=conversation.pk).update(updated_at=moment)
        return conversation

    return make


def titles(page):
    return {group.name: [row.title for row in group.rows] for group in page.groups}


def test_the_list_is_grouped_by_day_with_pinned_ones_first(alice, bob, made):
    made("Old", days=400)
    made("Now"), made("Past", days=1), made("Week", days=4)
    made("Kept", days=90, is_pinned=True)
    made("Foreign", owner=bob)
    made("Away", archived_at=timezone.now())
    found = titles(list_conversations(alice))
    assert list(found)[:4] == ["Pinned", "Today", "Yesterday", "Last 7 days"]
    assert list(found.values()) == [["Kept"], ["Now"], ["Past"], ["Week"], ["Old"]]
    assert titles(list_conversations(alice, archived=True)) == {"Today": ["Away"]}


def test_pages_follow_each_other_without_gap_and_under_one_heading(alice, made, monkeypatch):
    monkeypatch.setattr(listing, "PAGE", 2)
    for number in range(5):
        made(f"C{number}", days=number * 0.0001)
    seen, before, heading = [], "", ""
    for _ in range(3):
        page = list_conversations(alice, before=before, heading=heading)
        seen += [row.title for group in page.groups for row in group.rows]
        assert [group.is_continued for group in page.groups] == [bool(before)]
        if page.rest:
            before, heading = page.rest[0].isoformat(), page.rest[1]
    assert seen == ["C0", "C1", "C2", "C3", "C4"] and page.rest is None


@pytest.mark.parametrize("before", ["x", "2026-13-40T00:00:00", "2026-01-01T00:00:00"])
def test_a_page_that_begins_nowhere_is_the_first(alice, made, before):
    made("Now")
    assert titles(list_conversations(alice, before=before)) == {"Today": ["Now"]}


def test_labels_filter_and_are_offered_again(alice, bob, made):
    seals, _ = made("Seals"), made("Other", labels=["hr"])
    made("Foreign", owner=bob, labels=["secret"])
    organising.label(alice, seals.pk, " pumps ,Urgent  work, PUMPS,")
    assert labels_of(alice) == ["hr", "PUMPS", "Urgent work"]
    assert titles(list_conversations(alice, label="PUMPS")) == {"Today": ["Seals"]}
    for labels in ("a,b,c,d,e,f", "x" * 31):
        with pytest.raises(QuestionRefused):
            organising.label(alice, seals.pk, labels)


def test_a_deletion_can_be_taken_back_for_a_while_and_only_by_its_owner(alice, bob, ask_as):
    running = ask_as(alice)
    conversation = running.question.conversation
    organising.delete_conversation(alice, conversation.pk)
    running.refresh_from_db()
    assert running.status == Answer.Status.STOPPED
    with pytest.raises(NotFound):
        organising.restore_conversation(bob, conversation.pk)
    organising.restore_conversation(alice, conversation.pk)
    assert conversation in Conversation.objects.visible_to(alice)
    organising.delete_conversation(alice, conversation.pk)
    late = timezone.now() - organising.UNDO_FOR
    Conversation.objects.filter(pk=conversation.pk).update(deleted_at=late)
    with pytest.raises(NotFound):
        organising.restore_conversation(alice, conversation.pk)


def test_a_question_brings_a_conversation_back_from_the_archive(alice, ask_as):
    conversation = ask_as(alice).question.conversation
    organising.archive(alice, conversation.pk, is_archived=True)
    assert not list_conversations(alice).groups
    ask_as(alice, "And now?", conversation_id=conversation.pk)
    assert titles(list_conversations(alice)) == {"Today": [conversation.title]}


def test_each_act_is_an_event(alice, made):
    conversation = made("Seals")
    organising.pin(alice, conversation.pk, is_pinned=True)
    organising.label(alice, conversation.pk, "pumps")
    organising.archive(alice, conversation.pk, is_archived=True)
    organising.delete_conversation(alice, conversation.pk)
    organising.restore_conversation(alice, conversation.pk)
    acts = AuditEvent.objects.filter(target_id=str(conversation.pk)).order_by("seq")
    assert [event.action.split(".")[1] for event in acts] == [
        *("pinned", "labelled", "archived", "deleted", "restored")
    ]


def post(client, name, conversation, **form):
    return client.post(reverse(f"chat:{name}", args=[conversation.pk]), form)


def test_the_page_pins_labels_archives_and_offers_to_undo_once(client, alice, made):
    client.force_login(alice)
    seals, other = made("Seals"), made("Other")
    post(client, "pin", seals)
    post(client, "label", seals, labels="pumps")
    page = client.get(seals.get_absolute_url()).content.decode()
    assert 'data-day="Pinned"' in page and "?label=pumps" in page and "Unpin" in page
    refused = client.post(
        reverse("chat:label", args=[seals.pk]), {"labels": "a,b,c,d,e,f"}, follow=True
    )
    assert "The old ones are kept" in refused.content.decode()
    assert post(client, "delete", seals, open=other.pk).url == other.get_absolute_url()
    page = client.get(other.get_absolute_url()).content.decode()
    undo = reverse("chat:restore", args=[seals.pk])
    assert undo in page and "“Seals” is deleted." in page
    assert undo not in client.get(other.get_absolute_url()).content.decode()
    assert client.post(undo).url == seals.get_absolute_url()
    for opened in (seals.pk, "", "x"):
        assert post(client, "delete", seals, open=opened).url == reverse("chat:home")
        client.post(undo)
    post(client, "archive_conversation", seals)
    assert "Seals" not in client.get(reverse("chat:list")).content.decode()
    assert "Seals" in client.get(reverse("chat:list") + "?archived=1").content.decode()


def test_the_api_changes_only_what_is_named(client, alice, made):
    client.force_login(alice)
    seals = made("Seals", labels=["pumps"])
    url = f"/api/conversations/{seals.pk}"
    change = {"is_pinned": True, "title": "Shaft seals"}
    changed = client.patch(url, change, content_type="application/json").json()
    assert (changed["title"], changed["is_pinned"], changed["labels"]) == (
        *("Shaft seals", True, ["pumps"]),
    )
    archived = client.patch(
        url, {"is_archived": True, "labels": []}, content_type="application/json"
    ).json()
    assert archived["archived_at"] and archived["labels"] == []
    assert client.get("/api/conversations").json()["count"] == 0
    assert client.get("/api/conversations?archived=true").json()["count"] == 1
    client.delete(url)
    assert client.post(f"{url}/restore").json()["title"] == "Shaft seals"


def test_asking_in_a_deleted_conversation_finds_nothing(alice, ask_as, expert):
    conversation = ask_as(alice).question.conversation
    organising.delete_conversation(alice, conversation.pk)
    with pytest.raises(NotFound):
        ask_as(alice, "And now?", conversation_id=conversation.pk)
