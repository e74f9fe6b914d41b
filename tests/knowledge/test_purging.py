import pytest
from django.urls import reverse

from chat.dependents import of_document as of_answers
from chat.reading import show_passage
from knowledge import ingestion
from knowledge.errors import KnowledgeError, StateConflict
from knowledge.models import Chunk, Document
from knowledge.pictures import picture_of_page
from knowledge.purging import dependents, purge
from knowledge.storage import path_of
from knowledge.versions import read_again, restore, retry, trash
from phi3site.audit.models import AuditEvent
from tests.knowledge.conftest import make_pdf, make_xlsx
from training.models import Dataset, Example

pytestmark = pytest.mark.django_db


def test_nothing_but_names_and_hashes_is_left(
    ingested, curator, django_capture_on_commit_callbacks
):
    version = ingested(make_pdf(1), "a.pdf")
    path, picture = path_of(version.file.name), picture_of_page(version, 1)
    document = version.document
    trash(document, actor=curator)
    with django_capture_on_commit_callbacks(execute=True):
        purge(document, actor=curator)
    version.refresh_from_db()
    assert not path.exists() and not picture.exists()
    assert not Chunk.objects.exists() and not version.tables.exists()
    with pytest.raises(KnowledgeError):
        path_of(version.file.name)
    event = AuditEvent.objects.get(action="document.purged")
    assert version.sha256 in event.details
    assert not Document.objects.manageable_by(curator).exists()
    with pytest.raises(StateConflict):
        restore(document, actor=curator)
    with pytest.raises(StateConflict):
        read_again(document, actor=curator)


def test_rows_of_tables_go_too(ingested, curator):
    version = ingested(make_xlsx(), "prices.xlsx")
    trash(version.document, actor=curator)
    purge(version.document, actor=curator)
    assert not version.tables.exists()


def test_a_file_on_its_way_leaves_nothing_either(upload, encoder, curator, monkeypatch):
    version, real = upload(), ingestion._embed
    trash(version.document, actor=curator)
    retry(version, actor=curator)

    def embed(*args):
        purge(version.document, actor=curator)
        return real(*args)

    monkeypatch.setattr(ingestion, "_embed", embed)
    ingestion.ingest(str(version.pk))
    version.refresh_from_db()
    assert (version.status, Chunk.objects.count()) == ("cancelled", 0)


def test_only_from_the_trash(ingested, curator):
    document = ingested().document
    with pytest.raises(StateConflict):
        purge(document, actor=curator)
    assert Chunk.objects.exists()


def test_answers_and_datasets_that_rest_on_it_are_counted(ingested, cited):
    version = ingested()
    assert dependents(version.document) == []
    cited(version)
    dataset = Dataset.objects.create(name="Terms", filename="t.jsonl", sha256="d" * 64)
    for line in (1, 2):
        Example.objects.create(
            dataset=dataset, line=line, messages=[], sha256=str(line), source="pump-manual.md"
        )
    found = {one.name: one.count for one in dependents(version.document)}
    assert found == {
        "answers that cite it": 1,
        "conversations with such answers": 1,
        "datasets with examples from it": 1,
    }
    assert {one.count for one in of_answers(version.document)} == {1}


def test_a_citation_keeps_its_words_and_says_that_the_original_is_gone(
    client, ingested, cited, curator, alice, team
):
    version = ingested()
    passage = cited(version)
    url = reverse("chat:passage", args=[passage.pk])
    client.force_login(alice)
    assert "Open the document" in client.get(url).content.decode()
    trash(version.document, actor=curator)
    purge(version.document, actor=curator)
    shown = client.get(url).content.decode()
    assert "The kit is SK-17." in shown and "The original is gone" in shown
    assert "Open the document" not in shown and "<img" not in shown.split("passage-words")[1]
    version.document.collection.readers.clear()
    version.document.collection.managers.clear()
    revoked = client.get(url).content.decode()
    assert "SK-17" not in revoked and "no longer available to you" in revoked


def test_a_revoked_right_on_the_document_alone_takes_its_words_away(ingested, cited, alice):
    from django.contrib.auth.models import Group

    version = ingested()
    passage = cited(version)
    assert show_passage(passage.pk, alice).after == "The kit is SK-17."
    version.document.readers.add(Group.objects.create(name="Chosen few"))
    shown = show_passage(passage.pk, alice)
    assert (shown.is_withheld, shown.after, shown.passage.text) == (True, "", "")


def test_the_page_shows_what_rests_on_it_and_then_removes_it(client, ingested, cited, curator):
    version = ingested()
    cited(version)
    client.force_login(curator)
    url = reverse("knowledge:remove", args=[version.document_id])
    assert "Only a document in the trash" in client.get(url).content.decode()
    client.post(url)
    assert Chunk.objects.exists()
    trash(version.document, actor=curator)
    shown = client.get(url).content.decode()
    assert "answers that cite it" in shown and "Remove for good" in shown
    assert client.post(url).status_code == 302
    assert not Chunk.objects.exists()
    assert client.get(url).status_code == 404
