"""A conversation for colleagues: as it stood, revocable, read with the reader's own rights."""

import pytest
from django.urls import reverse

from chat.asking import regenerate
from chat.errors import NotFound, StateConflict
from chat.models import Answer, Share
from chat.organising import delete_conversation
from chat.sharing import find_share, revoke, share
from phi3site.audit.models import AuditEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def shared(alice, cited):
    return share(alice, cited.question.conversation_id)


def page(client, user, made):
    client.force_login(user)
    return client.get(made.get_absolute_url())


def test_a_colleague_reads_it_with_its_sources_and_changes_nothing(client, bob, shared, cited):
    html = page(client, bob, shared).content.decode()
    assert cited.question.text in html and "SK-17" in html
    assert cited.passages.get().text in html and "Shared by alice" in html
    assert "data-composer" not in html and "chat:again" not in html
    assert client.get(cited.question.conversation.get_absolute_url()).status_code == 404


def test_who_may_not_read_the_documents_sees_their_names_alone(client, mallory, shared, cited):
    html = page(client, mallory, shared).content.decode()
    assert "This source is no longer available to you." in html and "Service handbook" in html
    assert "The seal kit is SK-17" not in html and cited.passages.get().text[:30] not in html
    assert "rests on sources that are not available to you" in html


def test_rights_are_asked_anew_at_each_reading(client, bob, team, shared):
    assert "The seal kit is SK-17" in page(client, bob, shared).content.decode()
    bob.groups.remove(team)
    assert "The seal kit is SK-17" not in page(client, bob, shared).content.decode()


def test_it_stays_as_it_stood(client, alice, bob, shared, cited):
    fresh = regenerate(alice, cited.pk)
    Answer.objects.filter(pk=fresh.pk).update(status="complete", text="Another answer.")
    assert "Another answer." not in page(client, bob, shared).content.decode()


def test_what_still_runs_is_left_out_and_nothing_alone_is_refused(alice, cited, ask_as):
    running = ask_as(alice, "More?", conversation_id=cited.question.conversation_id)
    assert share(alice, cited.question.conversation_id).answers == [cited.pk]
    with pytest.raises(StateConflict):
        share(alice, ask_as(alice, "Alone?").question.conversation_id)
    assert running.pk not in Share.objects.get().answers


def test_taken_back_deleted_or_ownerless_it_is_gone(alice, bob, shared, cited):
    with pytest.raises(NotFound):
        revoke(bob, shared.pk)
    assert find_share(shared.pk) == shared
    revoke(alice, shared.pk)
    with pytest.raises(NotFound):
        find_share(shared.pk)
    second = share(alice, cited.question.conversation_id)
    alice.is_active = False
    alice.save()
    with pytest.raises(NotFound):
        find_share(second.pk)
    alice.is_active = True
    alice.save()
    delete_conversation(alice, cited.question.conversation_id)
    with pytest.raises(NotFound):
        find_share(second.pk)


def test_both_acts_are_events(alice, shared):
    revoke(alice, shared.pk)
    events = AuditEvent.objects.filter(target_id=str(shared.pk)).order_by("seq")
    assert [event.action for event in events] == ["conversation.shared", "share.revoked"]


def test_the_owner_lists_copies_and_takes_back(client, alice, bob, cited):
    client.force_login(alice)
    conversation = cited.question.conversation
    client.post(reverse("chat:share", args=[conversation.pk]))
    made = Share.objects.get()
    html = client.get(reverse("chat:shares")).content.decode()
    assert f'data-copy="http://testserver{made.get_absolute_url()}"' in html
    client.post(reverse("chat:revoke", args=[made.pk]))
    assert "Nothing is shared" in client.get(reverse("chat:shares")).content.decode()
    assert page(client, bob, made).status_code == 404


def test_the_api_shares_lists_and_takes_back(client, alice, cited):
    client.force_login(alice)
    url = f"/api/conversations/{cited.question.conversation_id}/shares"
    made = client.post(url).json()
    assert made["address"] == reverse("chat:shared", args=[made["id"]])
    assert [each["id"] for each in client.get("/api/shares").json()["items"]] == [made["id"]]
    assert client.delete(f"/api/shares/{made['id']}").status_code == 204
    assert client.get("/api/shares").json()["count"] == 0
