import io

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from knowledge.models import Collection, Document, DocumentVersion
from phi3site.audit.models import AuditEvent
from tests.knowledge.conftest import MANUAL, make_pdf, make_xlsx

pytestmark = pytest.mark.django_db
ACTS = ("trash", "restore")


@pytest.fixture
def as_user(client):
    def as_user(user):
        client.force_login(user)
        return client

    return as_user


def set_row(version, **values):
    DocumentVersion.objects.filter(pk=version.pk).update(**values)


def page(response):
    return response.content.decode()


class TestDocuments:
    def test_several_files_become_rows_and_refusals_are_told(self, as_user, curator, collection):
        client = as_user(curator)
        files = [ContentFile(MANUAL, name="a.md"), ContentFile(b"\x89PNG", name="b.pdf")]
        data = {"collection": str(collection.pk), "documents": files}
        shown = page(client.post(reverse("knowledge:upload"), data, follow=True))
        assert f"1 file uploaded to {collection}" in shown and "PNG picture" in shown
        assert 'data-status="queued"' in shown and "every 1s" in shown

    def test_polling_gives_the_rows_alone_and_stops_at_the_end(self, as_user, curator, upload):
        client, url, version = as_user(curator), reverse("knowledge:documents"), upload()
        set_row(version, status="embedding", chunk_count=9, progress=4, heartbeat_at=timezone.now())
        shown = page(client.get(url, headers={"HX-Request": "true"}))
        assert "4 of 9" in shown and "hx-get" in shown and "<html" not in shown
        set_row(version, status="ready")
        assert "hx-get" not in page(client.get(url, headers={"HX-Request": "true"}))

    def test_search_and_filters(self, as_user, curator, upload):
        client, url = as_user(curator), reverse("knowledge:documents")
        upload(), set_row(upload("Broken", "other-thing.txt"), status="failed", error="It broke.")
        assert "Pump manual" not in page(client.get(url, {"q": "other"}))
        failed = page(client.get(url, {"status": "failed"}))
        assert "It broke." in failed and "Retry" in failed and "Pump manual" not in failed
        assert "Nothing matches" in page(client.get(url, {"q": "nowhere"}))
        assert "Pump manual" in page(client.get(url, {"collection": "nonsense", "page": "x"}))

    def test_an_empty_list_says_what_belongs_there(self, as_user, curator, collection):
        assert "No document yet" in page(as_user(curator).get(reverse("knowledge:documents")))

    def test_retry_cancel_delete_and_restore(self, as_user, curator, upload):
        client, version = as_user(curator), upload()
        client.post(reverse("knowledge:cancel", args=[version.pk]))
        client.post(reverse("knowledge:retry", args=[version.pk]))
        version.refresh_from_db()
        assert version.status == "queued"
        again = client.post(reverse("knowledge:retry", args=[version.pk]), follow=True)
        assert "can be tried again" in page(again)
        client.post(reverse("knowledge:trash", args=[version.document_id]))
        assert Document.objects.get().state == "trashed"
        shown = page(client.get(reverse("knowledge:document", args=[version.document_id])))
        assert "Restore" in shown
        client.post(reverse("knowledge:restore", args=[version.document_id]))
        assert Document.objects.get().state == "active"
        actions = set(AuditEvent.objects.values_list("action", flat=True))
        assert actions >= {
            "document.cancelled",
            "document.retried",
            "document.trashed",
            "document.restored",
        }

    def test_in_a_second_tab_what_was_done_already_is_said(self, as_user, curator, ingested):
        client, version = as_user(curator), ingested()
        acts = {name: reverse(f"knowledge:{name}", args=[version.document_id]) for name in ACTS}
        client.post(acts["trash"])
        assert "“Pump manual” is deleted already." in page(client.post(acts["trash"], follow=True))
        again = {"file": SimpleUploadedFile("new.txt", b"New words.")}
        url = reverse("knowledge:new_version", args=[version.document_id])
        assert "Restore it first" in page(client.post(url, again, follow=True))
        assert "answers questions again" in page(client.post(acts["restore"], follow=True))
        shown = page(client.post(acts["restore"], follow=True))
        assert "isn't in the trash any more" in shown.replace("&#x27;", "'")

    def test_restoring_says_what_answers_and_what_stands_twice(self, as_user, curator, upload):
        client, version = as_user(curator), upload()
        for name in ("trash", "restore"):
            url = reverse(f"knowledge:{name}", args=[version.document_id])
            shown = page(client.post(url, follow=True))
            if name == "trash":
                upload("The new one.")
        assert "It answers once it is read" in shown and "stands twice" in shown

    def test_a_referer_elsewhere_leads_to_the_list(self, as_user, curator, upload):
        url = reverse("knowledge:cancel", args=[upload().pk])
        response = as_user(curator).post(url, headers={"Referer": "https://evil.example/"})
        assert response.url == reverse("knowledge:documents")


class TestDocument:
    def test_shows_the_timeline_and_the_passages(self, as_user, curator, ingested):
        version = ingested()
        shown = page(as_user(curator).get(version.document.get_absolute_url()))
        assert shown.count('data-state="done"') == 6
        assert "SK-17" in shown and "Pump manual › Seals" in shown

    def test_a_failed_stage_is_marked(self, as_user, curator, ingested):
        version = ingested(b"%PDF-1.7 nothing", "broken.pdf")
        shown = page(as_user(curator).get(version.document.get_absolute_url()))
        assert 'data-state="failed"' in shown and "damaged" in shown

    def test_progress_is_polled_and_the_page_loaded_at_the_end(self, as_user, curator, ingested):
        client, version = as_user(curator), ingested()
        url = version.document.get_absolute_url()
        done = client.get(url, headers={"HX-Request": "true"})
        assert done["HX-Refresh"] == "true"
        set_row(version, status="chunking", heartbeat_at=timezone.now())
        assert "hx-get" in page(client.get(url, headers={"HX-Request": "true"}))

    def test_takes_a_new_version(self, as_user, curator, upload):
        client, document = as_user(curator), upload().document
        url = reverse("knowledge:new_version", args=[document.pk])
        client.post(url, {"file": ContentFile(b"New words", name="x.txt")})
        assert document.versions.count() == 2
        assert "Choose a file" in page(client.post(url, follow=True))


class TestReading:
    def test_a_pdf_is_shown_as_pages_with_the_passage_lit_up(self, as_user, bob, ingested):
        version = ingested(make_pdf(3), "service.pdf")
        chunk = version.chunks.get(ordinal=1)
        url = reverse("knowledge:version", args=[version.pk])
        shown = page(as_user(bob).get(url, {"chunk": str(chunk.pk)}))
        assert shown.count("<img src=") >= 3 and shown.count('class="page-mark"') == 1
        assert f'id="page-{chunk.page}"' in shown

    def test_all_chunks_of_a_joined_passage_are_lit_up(self, as_user, bob, ingested):
        version, other = ingested(make_pdf(3), "service.pdf"), ingested(MANUAL, "other.md")
        url = reverse("knowledge:version", args=[version.pk])
        keys = [str(one.pk) for one in version.chunks.filter(page__gt=0).order_by("-ordinal")[:2]]
        foreign = str(other.chunks.first().pk)
        shown = page(as_user(bob).get(url, {"chunk": [*keys, foreign, "nonsense"]}))
        assert shown.count('class="page-mark"') == 2
        text = reverse("knowledge:version", args=[other.pk])
        both = [str(one.pk) for one in other.chunks.exclude(kind="summary")[:2]]
        assert page(as_user(bob).get(text, {"chunk": both})).count("<mark>") == 2

    def test_a_page_is_drawn_once_and_kept(self, as_user, bob, ingested, monkeypatch):
        from PIL import Image

        client, version = as_user(bob), ingested(make_pdf(2), "service.pdf")
        url = reverse("knowledge:page_image", args=[version.pk, 2])
        first = b"".join(client.get(url).streaming_content)
        assert Image.open(io.BytesIO(first)).size[0] == 1240
        monkeypatch.setattr("knowledge.pictures.run_child", None)
        assert b"".join(client.get(url).streaming_content) == first
        for number in (0, 3, 99):
            missing = reverse("knowledge:page_image", args=[version.pk, number])
            assert client.get(missing).status_code == 404

    def test_rows_are_a_grid_with_the_named_ones_lit_up(self, as_user, bob, ingested):
        rows = [("Part", "Price"), *((f"P-{n}", n) for n in range(1, 251))]
        version = ingested(make_xlsx(rows), "prices.xlsx")
        url = reverse("knowledge:version", args=[version.pk])
        shown = page(as_user(bob).get(url, {"rows": "203-204"}))
        assert shown.count('class="is-kept"') == 2
        assert 'id="row-203" class="is-kept"' in shown and 'id="row-201"' in shown
        for odd in ("x-y", "9999999999", "-", "0-0"):
            assert client_ok(as_user(bob), url, {"rows": odd, "table": "77", "page": "-3"})

    def test_text_is_shown_with_the_passage_marked(self, as_user, bob, ingested):
        version = ingested()
        chunk = version.chunks.get(text__contains="SK-17")
        url = reverse("knowledge:version", args=[version.pk])
        shown = page(as_user(bob).get(url, {"chunk": str(chunk.pk)}))
        assert shown.count("<mark>") == 1 and "Pump manual › Oil" in shown
        assert client_ok(as_user(bob), url, {"chunk": "nonsense"})

    def test_what_a_document_says_is_only_text(self, as_user, bob, ingested):
        version = ingested("<script>alert(1)</script> {{ 7|add:7 }}", "a.txt", title="<b>T</b>")
        shown = page(as_user(bob).get(reverse("knowledge:version", args=[version.pk])))
        assert "<script>alert" not in shown and "<b>T" not in shown and "{{ 7|add:7 }}" in shown

    def test_the_original_is_saved_never_opened(self, as_user, bob, ingested):
        version = ingested("<!doctype html><script>alert(1)</script><p>Hi</p>", "a.html")
        response = as_user(bob).get(reverse("knowledge:original", args=[version.pk]))
        assert response["Content-Disposition"].startswith('attachment; filename="a.html"')
        assert response["X-Content-Type-Options"] == "nosniff"
        assert b"<script>" in b"".join(response.streaming_content)


def client_ok(client, url, query):
    return client.get(url, query).status_code == 200


class TestCollections:
    def test_an_admin_creates_one_and_says_who_reads_it(self, as_user, admin, team):
        client = as_user(admin)
        data = {"name": "Prices", "readers": [team.pk], "managers": []}
        shown = page(client.post(reverse("knowledge:new_collection"), data, follow=True))
        assert "Prices" in shown and "Service team" in shown
        details = AuditEvent.objects.get(action="collection.created").details
        assert '"readers":["Service team"]' in details

    def test_a_curator_sees_but_does_not_change(self, as_user, curator, collection):
        client, url = as_user(curator), collection.get_absolute_url()
        assert "<form class" not in page(client.get(url))
        client.post(url, {"name": "Mine now"})
        assert client.get(reverse("knowledge:new_collection")).status_code == 403
        assert Collection.objects.get().name == "Service documents"


READING = ["version", "original"]
CONSOLE = ["new_version", "trash", "restore"]


class TestRights:
    @pytest.mark.parametrize("name", READING)
    def test_who_reads(self, as_user, ingested, alice, bob, mallory, auditor, name):
        url = reverse(f"knowledge:{name}", args=[ingested().pk])
        assert [as_user(user).get(url).status_code for user in (alice, bob, mallory, auditor)] == [
            200,
            200,
            404,
            404,
        ]

    def test_a_page_picture_is_no_back_door(self, as_user, ingested, bob, mallory):
        version = ingested(make_pdf(1), "a.pdf")
        url = reverse("knowledge:page_image", args=[version.pk, 1])
        assert as_user(bob).get(url).status_code == 200
        assert as_user(mallory).get(url).status_code == 404

    def test_trashed_documents_are_gone_for_readers(self, as_user, ingested, bob, curator):
        version = ingested(make_pdf(1), "a.pdf")
        as_user(curator).post(reverse("knowledge:trash", args=[version.document_id]))
        for name, args in (("version", ()), ("original", ()), ("page_image", (1,))):
            url = reverse(f"knowledge:{name}", args=[version.pk, *args])
            assert as_user(bob).get(url).status_code == 404

    def test_a_curator_of_another_team_finds_nothing(self, as_user, ingested, mallory):
        from django.contrib.auth.models import Group

        version = ingested()
        mallory.groups.add(Group.objects.get(name="curator"))
        client = as_user(mallory)
        assert "Pump manual" not in page(client.get(reverse("knowledge:documents")))
        assert client.get(version.document.get_absolute_url()).status_code == 404
        assert client.get(version.document.collection.get_absolute_url()).status_code == 404
        for name in CONSOLE:
            url = reverse(f"knowledge:{name}", args=[version.document_id])
            assert client.post(url).status_code == 404
        for name in ("retry", "cancel"):
            url = reverse(f"knowledge:{name}", args=[version.pk])
            assert client.post(url).status_code == 404
        data = {
            "collection": str(version.document.collection_id),
            "documents": ContentFile(b"x", name="x.txt"),
        }
        client.post(reverse("knowledge:upload"), data)
        assert DocumentVersion.objects.count() == 1

    def test_readers_have_no_console(self, as_user, bob, ingested):
        version = ingested()
        client = as_user(bob)
        assert client.get(reverse("knowledge:documents")).status_code == 403
        assert client.get(version.document.get_absolute_url()).status_code == 403
        trash = reverse("knowledge:trash", args=[version.document_id])
        assert client.post(trash).status_code == 403
        assert Document.objects.get().state == "active"
