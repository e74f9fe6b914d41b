from dataclasses import replace
from datetime import date

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse

from knowledge.errors import StateConflict
from knowledge.filing import as_labels, details_of, file_document, label, move, rename
from knowledge.ingestion import ingest
from knowledge.models import Collection
from knowledge.retrieval import retrieve
from knowledge.versions import trash
from phi3site.audit.models import AuditEvent

pytestmark = pytest.mark.django_db


def events(action):
    return list(AuditEvent.objects.filter(action=action).order_by("seq"))


def test_labels_are_trimmed_and_not_repeated():
    assert as_labels(" price  list, 2026,, price list ,") == ("price list", "2026")
    assert len(as_labels(",".join(map(str, range(99))))) == 20
    assert as_labels("x" * 99) == ("x" * 60,)
    assert as_labels("pri\0ce, \0") == ("price",)


def test_only_what_changed_is_an_event(upload, curator):
    document = upload().document
    details = replace(details_of(document), labels=("manual",), expires_on=date(2030, 1, 31))
    file_document(document, details, actor=curator)
    file_document(document, details, actor=curator)
    (event,) = events("document.filed")
    assert '"labels":["manual"]' in event.details and '"expires_on":"2030-01-31"' in event.details
    assert "owner" not in event.details


def test_labels_are_added_to_those_there_are(upload, curator):
    document = upload().document
    label(document, ("a", "b"), actor=curator)
    label(document, ("b", "c"), actor=curator)
    document.refresh_from_db()
    assert document.labels == ["a", "b", "c"]


def test_a_moved_document_is_read_by_the_others(ingested, curator, bob, mallory):
    document = ingested().document
    target = Collection.objects.create(name="Elsewhere")
    target.readers.set(mallory.groups.filter(name="Other team"))
    move(document, target, actor=curator)
    assert not retrieve("seal kit", user=bob, collections=None).passages
    assert retrieve("seal kit", user=mallory, collections=None).passages
    assert len(events("document.moved")) == 1
    move(document, target, actor=curator)
    assert len(events("document.moved")) == 1


class TestOverTheApi:
    @pytest.fixture
    def patch(self, client, curator):
        client.force_login(curator)

        def patch(document, **data):
            path = f"/api/documents/{document.pk}"
            response = client.patch(path, data, content_type="application/json")
            document.refresh_from_db()
            return response.status_code, response.json()

        return patch

    def test_what_is_not_named_stays(self, upload, patch):
        document = upload().document
        assert patch(document, labels=["x"], expires_on="2030-01-01")[0] == 200
        status, body = patch(document, review_by="2029-01-01")
        assert (status, body["labels"], body["expires_on"]) == (200, ["x"], "2030-01-01")
        assert patch(document, expires_on=None)[1]["expires_on"] is None

    def test_readers_are_those_of_the_collection(self, upload, patch, team):
        document = upload().document
        Group.objects.create(name="Strangers")
        status, body = patch(document, readers=["Strangers"])
        assert (status, body["code"]) == (422, "unknown_reader")
        assert patch(document, readers=[team.name])[0] == 200
        assert list(document.readers.all()) == [team]

    @pytest.mark.parametrize(
        "data", [{"owner": 1}, {"state": "purged"}, {"collection": "x"}, {"expires_on": "soon"}]
    )
    def test_nothing_else_can_be_set(self, upload, patch, data):
        assert patch(upload().document, **data)[0] == 422


class TestTitles:
    def test_another_title_is_shown_and_found_by_and_told_in_the_log(self, ingested, curator, bob):
        document = ingested("# Oil\n\nChange it every 500 hours.", "scan 7.md").document
        assert rename(document, " Oil\0 plan ", actor=curator)
        document.refresh_from_db()
        again = document.versions.get(number=2)
        assert (document.title, again.status) == ("Oil plan", "queued")
        ingest(str(again.pk))
        assert "Oil plan" in again.chunks.first().context_text
        assert len(events("document.renamed")) == 1
        assert not rename(document, "Oil plan", actor=curator)
        assert not rename(document, "  ", actor=curator)

    def test_a_title_of_another_is_refused(self, ingested, curator):
        first = ingested("One.", "one.txt").document
        second = ingested("Two.", "two.txt").document
        with pytest.raises(StateConflict, match="Another document"):
            rename(second, "One", actor=curator)
        trash(first, actor=curator)
        assert rename(second, "One", actor=curator)

    def test_not_while_its_file_is_read_and_without_a_file_that_can_be_read(
        self, upload, ingested, curator
    ):
        with pytest.raises(StateConflict, match="being read"):
            rename(upload().document, "Other", actor=curator)
        failed = ingested(b"%PDF-1.7 nothing", "broken.pdf").document
        assert rename(failed, "Torn sheet", actor=curator)
        assert failed.versions.count() == 1

    def test_on_the_page_of_details(self, client, curator, ingested):
        client.force_login(curator)
        document = ingested().document
        url = reverse("knowledge:details", args=[document.pk])
        assert 'value="Pump manual"' in client.get(url).content.decode()
        shown = client.post(url, {"title": "Pump guide"}, follow=True).content.decode()
        assert "Pump guide" in shown and "read again" in shown
        ingested("Two.", "two.txt")
        shown = client.post(url, {"title": "Two"}, follow=True).content.decode()
        assert "has this title" in shown


class TestThePage:
    def test_shows_and_saves(self, client, curator, upload, team):
        client.force_login(curator)
        document = upload().document
        url = reverse("knowledge:details", args=[document.pk])
        assert "Service team" in client.get(url).content.decode()
        data = {"labels": "price list", "review_by": "2020-01-01", "readers": [team.pk]}
        shown = client.post(url, data, follow=True).content.decode()
        assert "price list" in shown and "due" in shown and "Service team" in shown

    def test_a_last_day_before_the_first_is_refused(self, client, curator, upload):
        client.force_login(curator)
        url = reverse("knowledge:details", args=[upload().document_id])
        data = {"effective_from": "2026-02-01", "expires_on": "2026-01-01"}
        assert "expire before it is in force" in client.post(url, data).content.decode()
