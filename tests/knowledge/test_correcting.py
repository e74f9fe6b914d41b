import threading

import pytest
from django.db import connection, transaction
from django.urls import reverse

from knowledge.correcting import correct
from knowledge.errors import KnowledgeError, StateConflict
from knowledge.ingestion import ingest
from knowledge.models import Chunk, ChunkEmbedding, DocumentVersion
from knowledge.retrieval import retrieve
from knowledge.tasks import embed_version
from knowledge.versions import read_again, restore, trash
from phi3site.audit.models import AuditEvent
from tests.knowledge.conftest import MANUAL

pytestmark = pytest.mark.django_db


@pytest.fixture
def seals(ingested):
    """The chunk about seal kits."""
    return ingested().chunks.get(text__contains="SK-17")


def change(chunk, *, text=None, is_enabled=True, actor=None):
    correct(chunk, text=text or chunk.text, is_enabled=is_enabled, actor=actor)
    chunk.refresh_from_db()


def found(user, question="seal kit of the P-200"):
    return " ".join(p.text for p in retrieve(question, user=user, collections=None).passages)


class TestWords:
    def test_are_found_at_once_and_embedded_anew(self, seals, bob, curator):
        change(seals, text=seals.text.replace("SK-17", "SK-18"), actor=curator)
        assert "SK-18" in found(bob, "Which kit is SK-18?")
        assert seals.context_text.endswith(seals.text) and "SK-17" not in seals.context_text
        assert seals.version.lacks_vectors
        assert not ChunkEmbedding.objects.filter(chunk=seals).exists()
        embed_version(str(seals.version_id))
        assert ChunkEmbedding.objects.filter(chunk=seals).exists()
        event = AuditEvent.objects.get(action="chunk.corrected")
        assert event.actor_name == "carla" and "SK-1" not in event.details

    def test_that_did_not_change_are_no_event(self, seals):
        change(seals, text=seals.text + "  ")
        assert not AuditEvent.objects.filter(action="chunk.corrected").exists()

    @pytest.mark.parametrize("text", ["   ", "x" * 20_001])
    def test_of_no_or_endless_length_are_refused(self, seals, text):
        with pytest.raises(KnowledgeError) as refused:
            correct(seals, text=text, is_enabled=True, actor=None)
        assert refused.value.code == "bad_correction"

    def test_wait_while_the_version_is_read(self, seals):
        DocumentVersion.objects.filter(pk=seals.version_id).update(status="embedding")
        with pytest.raises(StateConflict):
            correct(seals, text="Other.", is_enabled=True, actor=None)


class TestSwitch:
    def test_off_is_out_of_answers_and_on_is_back_with_its_vector(self, seals, bob):
        change(seals, is_enabled=False)
        assert "SK-17" not in found(bob)
        change(seals, is_enabled=True)
        assert "SK-17" in found(bob) and not seals.version.lacks_vectors

    def test_stays_off_through_the_trash(self, seals, bob):
        change(seals, is_enabled=False)
        trash(seals.version.document, actor=None)
        restore(seals.version.document, actor=None)
        assert "SK-17" not in found(bob) and "grade 46" in found(bob, "oil")

    def test_on_in_a_replaced_version_answers_nothing(self, seals, ingested, bob):
        change(seals, is_enabled=False)
        ingested(MANUAL.replace("SK-17", "SK-99"))
        change(seals, is_enabled=True)
        assert not seals.is_live and "SK-17" not in found(bob)


class TestReadingAgain:
    def again(self, seals):
        version = read_again(seals.version.document, actor=None)
        ingest(str(version.pk))
        return version.chunks.get(ordinal=seals.ordinal)

    def test_takes_the_last_correction_along(self, seals, bob):
        for kit in ("SK-18", "SK-19"):
            change(seals, text=f"The seal kit of the P-200 is {kit}.")
        anew = self.again(seals)
        assert anew.text == seals.text and anew.sha256 == seals.sha256
        assert "SK-19" in found(bob) and "SK-17" not in found(bob)
        assert anew.version.revisions.count() == 2

    def test_leaves_switched_off_what_was(self, seals, bob):
        change(seals, is_enabled=False)
        anew = self.again(seals)
        assert (anew.is_enabled, anew.is_live) == (False, False)
        assert "SK-17" not in found(bob)

    def test_of_other_words_begins_afresh(self, seals, ingested, bob):
        change(seals, text="Nobody knows.")
        ingested(MANUAL.replace("SK-17", "SK-99"))
        assert "SK-99" in found(bob)


class TestPages:
    @pytest.fixture
    def browser(self, client, curator):
        client.force_login(curator)
        return client

    def test_a_correction_and_its_history(self, browser, seals):
        url = reverse("knowledge:chunk", args=[seals.pk])
        assert "Nobody has changed it" in browser.get(url).content.decode()
        text = seals.text.replace("SK-17", "SK-18")
        shown = browser.post(url, {"text": text, "is_enabled": "on"}, follow=True)
        shown = shown.content.decode()
        assert "<del>17</del>" in shown and "<ins>18</ins>" in shown and "carla" in shown
        browser.post(reverse("knowledge:switch_chunk", args=[seals.pk]), {"to": "off"})
        seals.refresh_from_db()
        assert (seals.text, seals.is_enabled) == (text, False)
        document = browser.get(seals.version.document.get_absolute_url()).content.decode()
        assert "switched off" in document and "changed by hand" in document

    def test_what_another_person_wrote_meanwhile_is_not_lost_unseen(self, browser, seals):
        url = reverse("knowledge:chunk", args=[seals.pk])
        mine = {"text": "Mine.", "is_enabled": "on", "seen": seals.sha256}
        assert f'value="{seals.sha256}"' in browser.get(url).content.decode()
        change(seals, text="Theirs.")
        shown = browser.post(url, mine).content.decode()
        assert "Somebody changed this passage" in shown and ">\nMine.</textarea>" in shown
        seals.refresh_from_db()
        assert seals.text == "Theirs." and f'value="{seals.sha256}"' in shown
        browser.post(url, {**mine, "seen": seals.sha256})
        seals.refresh_from_db()
        assert seals.text == "Mine."

    def test_over_the_api(self, browser, client, seals, mallory):
        url = f"/api/chunks/{seals.pk}"
        body = browser.patch(url, {"text": "New."}, content_type="application/json").json()
        assert (body["text"], body["is_enabled"]) == ("New.", True)
        body = browser.patch(url, {"is_enabled": False}, content_type="application/json").json()
        assert (body["text"], body["is_live"]) == ("New.", False)
        listed = browser.get(f"/api/versions/{seals.version_id}/chunks").json()["items"]
        assert [chunk["text"] for chunk in listed if not chunk["is_enabled"]] == ["New."]
        client.force_login(mallory)
        assert client.get(f"/api/versions/{seals.version_id}/chunks").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_switching_on_what_is_being_deleted_brings_nothing_back(seals):
    """Each waits for the other: whoever comes second sees what the first one did."""
    change(seals, is_enabled=False)

    def switch_on():
        change(seals)
        connection.close()

    thread = threading.Thread(target=switch_on)
    with transaction.atomic():
        trash(seals.version.document, actor=None)
        thread.start()
        thread.join(0.5)
    thread.join()
    seals.refresh_from_db()
    assert seals.is_enabled and not Chunk.objects.filter(is_live=True).exists()
