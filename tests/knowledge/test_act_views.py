import pytest
from django.core.files.base import ContentFile
from django.urls import reverse

from knowledge.ingestion import ingest
from knowledge.models import ChunkRevision, DocumentVersion
from knowledge.versions import read_again
from tests.knowledge.conftest import MANUAL

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(client, curator):
    client.force_login(curator)
    return client


def page(response):
    return response.content.decode()


def test_what_changed_is_shown_word_by_word(browser, ingested):
    document = ingested().document
    ingested(MANUAL.replace("SK-17", "SK-99"))
    url = reverse("knowledge:changes", args=[document.pk])
    shown = page(browser.get(url))
    assert "<del>17</del>" in shown and "<ins>99</ins>" in shown, shown.split("diff")[1]
    assert "From version 1 to version 2" in shown
    same = page(browser.get(url, {"from": "2", "to": "2"}))
    assert "<ins>" not in same and "The text is the same." in same
    assert browser.get(url, {"from": "x", "to": "-1"}).status_code == 200


def test_text_in_a_comparison_is_no_markup(browser, ingested):
    document = ingested("<script>alert(1)</script> old words", "a.txt", title="A").document
    ingested("<script>alert(1)</script> new words", "a.txt", title="A")
    assert "<script>alert(1)" not in page(
        browser.get(reverse("knowledge:changes", args=[document.pk]))
    )


def test_changes_over_the_api_are_those_of_readers_too(client, ingested, bob, mallory):
    document = ingested().document
    ingested(MANUAL.replace("SK-17", "SK-99"))
    client.force_login(bob)
    (change,) = client.get(f"/api/documents/{document.pk}/changes").json()
    assert "SK-17" in change["before"] and "SK-99" in change["after"]
    client.force_login(mallory)
    assert client.get(f"/api/documents/{document.pk}/changes").status_code == 404


def test_a_new_version_may_begin_later(browser, ingested):
    document = ingested().document
    data = {"file": ContentFile(b"Other words.", name="b.txt"), "effective_from": "2099-01-01"}
    browser.post(reverse("knowledge:new_version", args=[document.pk]), data)
    assert str(document.versions.get(number=2).effective_from) == "2099-01-01"


def test_reading_again_makes_the_next_version_of_the_same_file(browser, ingested):
    first = ingested()
    ChunkRevision.objects.create(
        version=first, ordinal=0, original_sha256="x", before="", after="", is_enabled=True
    )
    url = reverse("knowledge:read_again", args=[first.document_id])
    browser.post(url)
    second = first.document.versions.get(number=2)
    first.refresh_from_db()
    assert (first.status, second.status, second.sha256) == ("ready", "queued", first.sha256)
    assert second.revisions.count() == 1
    assert "on its way already" in page(browser.post(url, follow=True))
    ingest(str(second.pk))
    first.refresh_from_db()
    assert first.status == "superseded"
    texts = [list(v.chunks.values_list("sha256", flat=True)) for v in (first, second)]
    assert texts[0] == texts[1]


def test_the_same_bytes_are_still_recognised_after_reading_again(ingested, upload, curator):
    again = read_again(ingested().document, actor=curator)
    ingest(str(again.pk))
    known = upload()
    assert known.was_already_there and known == again
    assert DocumentVersion.objects.count() == 2
