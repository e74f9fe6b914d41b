"""Collections that are deleted, restored and removed for good."""

import pytest
from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.urls import reverse

from chat.experts import create_expert
from chat.models import Passage
from chat.reading import show_passage
from knowledge.errors import StateConflict
from knowledge.filing import move
from knowledge.models import Chunk, Collection, Document
from knowledge.retrieval import retrieve
from knowledge.shelving import (
    dependents_of,
    purge_collection,
    restore_collection,
    trash_collection,
)
from knowledge.versions import restore, trash
from phi3site.audit.models import AuditEvent
from tests.knowledge.conftest import MANUAL, make_xlsx

pytestmark = pytest.mark.django_db


def found(user):
    return [p.document_title for p in retrieve("seal kit", user=user, collections=None).passages]


def states():
    return dict(Document.objects.values_list("title", "state"))


def test_its_documents_go_with_it_and_come_back_with_it(ingested, collection, bob, admin):
    document = ingested().document
    before = ingested("Old seal kit rules.", "old-rules.txt").document
    trash(before, actor=admin)
    assert found(bob)
    assert trash_collection(collection, actor=admin) == 1
    assert not found(bob) and not Chunk.objects.filter(is_live=True).exists()
    assert set(states().values()) == {"trashed"}
    assert not Collection.objects.visible_to(admin).exists()
    with pytest.raises(StateConflict, match="deleted already"):
        trash_collection(collection, actor=admin)
    assert restore_collection(collection, actor=admin) == 1
    assert found(bob)
    # What was in the trash before stays there.
    assert states() == {document.title: "active", before.title: "trashed"}
    acts = AuditEvent.objects.filter(action__startswith="collection.").order_by("seq")
    assert [act.action for act in acts] == ["collection.trashed", "collection.restored"]


def test_a_file_on_its_way_waits_again_after_the_way_back(upload, collection, admin):
    version = upload()
    trash_collection(collection, actor=admin)
    version.refresh_from_db()
    assert version.status == "cancelled"
    restore_collection(collection, actor=admin)
    version.refresh_from_db()
    assert version.status == "queued"


def test_a_passage_that_was_switched_off_stays_off(ingested, collection, admin, bob):
    Chunk.objects.filter(version=ingested()).update(is_enabled=False, is_live=False)
    trash_collection(collection, actor=admin)
    restore_collection(collection, actor=admin)
    assert not found(bob)


def test_nothing_enters_or_leaves_the_trash_of_a_deleted_one(ingested, upload, collection, admin):
    document = ingested().document
    elsewhere = Collection.objects.create(name="Elsewhere")
    other = upload("Other words.", "other.txt", into=elsewhere).document
    trash_collection(collection, actor=admin)
    with pytest.raises(StateConflict, match="Restore it first"):
        upload("New words.", "new.txt")
    with pytest.raises(StateConflict, match="Restore it first"):
        restore(document, actor=admin)
    with pytest.raises(StateConflict, match="Restore it first"):
        move(other, collection, actor=admin)
    # But out of it: into another collection, and back to life there.
    document.refresh_from_db()
    move(document, elsewhere, actor=admin)
    document.refresh_from_db()
    restore(document, actor=admin)
    assert restore_collection(collection, actor=admin) == 0


def test_its_name_is_free_again(collection, admin):
    trash_collection(collection, actor=admin)
    other = Collection.objects.create(name=collection.name)
    with pytest.raises(StateConflict, match="another name"):
        restore_collection(collection, actor=admin)
    with transaction.atomic(), pytest.raises(IntegrityError):
        Collection.objects.create(name=collection.name)
    other.name = "Other"
    other.save()
    restore_collection(collection, actor=admin)


def test_it_is_removed_for_good_only_from_the_trash(ingested, collection, admin):
    ingested(), ingested(make_xlsx(), "prices.xlsx")
    with pytest.raises(StateConflict):
        purge_collection(collection, actor=admin)
    trash_collection(collection, actor=admin)
    assert purge_collection(collection, actor=admin) == 2
    assert not Chunk.objects.exists() and set(states().values()) == {"purged"}
    collection.refresh_from_db()
    assert (collection.state, collection.name) == ("purged", "Service documents")
    with pytest.raises(StateConflict):
        restore_collection(collection, actor=admin)


def test_old_citations_keep_their_words_for_those_who_might_read_it(
    ingested, cited, collection, admin, alice
):
    passage = cited(ingested())
    for act in (trash_collection, purge_collection):
        act(collection, actor=admin)
        shown = show_passage(passage.pk, alice)
        assert (shown.after, shown.is_gone) == ("The kit is SK-17.", True)
    collection.readers.clear()
    collection.managers.clear()
    assert show_passage(passage.pk, alice).is_withheld


def test_what_rests_on_it_is_counted(ingested, cited, collection, admin):
    cited(ingested())
    create_expert("Desk", actor=admin, collections=[collection])
    counted = {one.name: one.count for one in dependents_of(collection)}
    assert counted == {
        "documents": 1,
        "versions of them": 1,
        "passages that answer questions": Chunk.objects.filter(is_live=True).count(),
        "experts that answer from it": 1,
        "versions of experts that name it": 1,
        "answers that cite it": 1,
    }
    trash_collection(collection, actor=admin)
    assert {one.name for one in dependents_of(collection)} >= {"documents in its trash"}


class TestPages:
    def test_the_name_is_typed_before_anything_happens(
        self, client, ingested, cited, collection, admin
    ):
        cited(ingested())
        client.force_login(admin)
        url = reverse("knowledge:trash_collection", args=[collection.pk])
        shown = client.get(url).content.decode()
        assert "answers that cite it" in shown and "Type “Service documents”" in shown
        assert "nothing was deleted" in client.post(url, {"name": "Service"}).content.decode()
        assert Collection.objects.active().exists()
        shown = client.post(url, {"name": "Service documents "}, follow=True).content.decode()
        assert "1 document no longer answers" in shown and "Restore" in shown
        assert "deleted already" in client.get(url).content.decode()

    def test_from_the_list_it_comes_back_or_goes_for_good(
        self, client, ingested, collection, admin
    ):
        ingested()
        client.force_login(admin)
        trash_collection(collection, actor=admin)
        assert (
            "This collection is deleted"
            in client.get(collection.get_absolute_url()).content.decode()
        )
        restored = client.post(
            reverse("knowledge:restore_collection", args=[collection.pk]), follow=True
        )
        assert "is back, with 1 document" in restored.content.decode()
        trash_collection(collection, actor=admin)
        url = reverse("knowledge:remove_collection", args=[collection.pk])
        assert "be undone" in client.get(url).content.decode()
        assert "removed for good" in client.post(url, follow=True).content.decode()
        assert client.get(url).status_code == 404

    def test_a_curator_sees_that_it_is_deleted_but_decides_nothing(
        self, client, collection, curator, admin
    ):
        trash_collection(collection, actor=admin)
        client.force_login(curator)
        shown = client.get(reverse("knowledge:collections")).content.decode()
        assert collection.name in shown and "Remove …" not in shown
        restore = reverse("knowledge:restore_collection", args=[collection.pk])
        assert client.post(restore).status_code == 403
        file = ContentFile(MANUAL.encode(), name="a.md")
        data = {"collection": str(collection.pk), "documents": file}
        client.post(reverse("knowledge:upload"), data)
        assert not Document.objects.exists()

    def test_experts_that_used_it_show_it(self, client, collection, admin):
        expert = create_expert("Desk", actor=admin, collections=[collection])
        trash_collection(collection, actor=admin)
        client.force_login(admin)
        for url in (reverse("chat:experts"), expert.get_absolute_url()):
            assert "deleted</span>" in client.get(url).content.decode()

    def test_a_name_that_is_taken_is_said_on_the_form(self, client, collection, admin):
        client.force_login(admin)
        sent = client.post(reverse("knowledge:new_collection"), {"name": collection.name})
        assert "of this name already" in sent.content.decode()


def test_over_the_api(client, ingested, collection, admin):
    ingested()
    client.force_login(admin)
    url = f"/api/collections/{collection.pk}"
    assert client.get(f"{url}/dependents").json()[0]["count"] == 1
    assert client.delete(url).status_code == 204
    assert client.get("/api/collections").json()["items"] == []
    assert client.delete(url).json()["code"] == "state_conflict"
    assert client.post(f"{url}/restore").json()["name"] == collection.name
    assert client.delete(url).status_code == 204
    assert client.post(f"{url}/purge").status_code == 204
    assert client.post(f"{url}/restore").status_code == 404
    assert not Passage.objects.exists()
