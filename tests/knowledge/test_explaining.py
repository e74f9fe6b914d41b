import pytest
from django.contrib.auth.models import Group
from django.urls import reverse
from django.utils import timezone

from knowledge.correcting import correct
from knowledge.explaining import run_test, run_tests
from knowledge.models import Collection, Document, DocumentVersion, SearchTest
from knowledge.reconciling import reconcile
from knowledge.versions import trash
from phi3site.audit.models import AuditEvent
from tests.knowledge.conftest import MANUAL

pytestmark = pytest.mark.django_db
QUESTION = "Which seal kit has the P-200?"
DAY = timezone.timedelta(days=1)


@pytest.fixture
def ask(client, curator):
    """Tries a question out on the page and lets a worker work; the test and the page."""
    client.force_login(curator)

    def ask(question=QUESTION, **fields):
        data = {"question": question, "limit": 2, **fields}
        page = client.post(reverse("knowledge:search_tests"), data, follow=True)
        run_tests()
        url = page.redirect_chain[-1][0]
        test = SearchTest.objects.latest("created_at")
        return test, client.get(url).content.decode()

    return ask


@pytest.fixture
def why(ask):
    """The reason why a document or chunk is missing."""
    return lambda missing, **fields: ask(missing=str(missing.pk), **fields)[0].result["absence"]


class TestLists:
    def test_each_ranking_in_its_order_with_what_became_of_it(self, ask, ingested):
        version = ingested()
        test, page = ask()
        lists = test.result["lists"]
        best = str(version.chunks.get(text__contains="SK-17").pk)
        assert {rows[0][0] for rows in lists.values()} == {best}
        for rows in lists.values():
            assert [row[1] for row in rows] == sorted(row[1] for row in rows)
        assert test.result["outcomes"][best] == "kept"
        assert set(test.result["timings"]) == {"embed", "search", "rerank", "compute", "choose"}
        assert page.count(f'data-chunk="{best}"') == 4 and "kept" in page

    def test_no_words_are_stored_and_the_event_has_none(self, ask, ingested):
        ingested()
        test, _page = ask()
        assert "SK-17" not in str(test.result)
        event = AuditEvent.objects.get(action="search.tested")
        assert event.actor_name == "carla" and "seal" not in event.details

    def test_what_the_curator_lost_the_right_to_is_not_shown(self, ask, ingested, client, team):
        ingested()
        test, page = ask()
        assert "SK-17" in page
        url = reverse("knowledge:search_test", args=[test.pk])
        Collection.objects.get().managers.clear()
        Collection.objects.get().readers.clear()
        page = client.get(url).content.decode()
        assert "SK-17" not in page and "may not read" in page

    def test_is_as_the_person_and_never_more_than_the_curator_reads(
        self, ask, ingested, bob, curator, admin
    ):
        hidden = Collection.objects.create(name="Board")
        ingested("# Board\n\nThe secret seal kit of the P-200 is SK-0.", "b.md", into=hidden)
        version = ingested()
        version.document.readers.add(Group.objects.create(name="Chosen few"))
        assert ask(person=bob.pk)[0].result["lists"]["final"] == []
        assert ask()[0].result["lists"]["final"]
        Group.objects.get(name="Service team").user_set.add(admin)
        found = ask(person=admin.pk)[0].result["lists"]["final"]
        assert {row[0] for row in found} <= set(
            map(str, version.chunks.values_list("pk", flat=True))
        )


class TestWhyNot:
    def test_it_is_there(self, why, ingested):
        assert why(ingested().document)["code"] == "kept"

    def test_in_the_trash(self, why, ingested):
        document = ingested().document
        trash(document, actor=None)
        assert why(document)["code"] == "trashed"

    def test_not_visible(self, why, ingested, bob):
        document = ingested().document
        document.readers.add(Group.objects.create(name="Chosen few"))
        assert why(document, person=bob.pk)["code"] == "not_visible"

    def test_not_searched(self, why, ingested, team):
        document = ingested().document
        other = Collection.objects.create(name="Elsewhere")
        other.readers.add(team)
        assert why(document, collections=[other.pk])["code"] == "not_searched"

    def test_not_ready(self, why, upload, encoder):
        assert why(upload().document)["code"] == "not_ready"

    def test_superseded(self, why, ingested):
        old = ingested()
        ingested(MANUAL.replace("SK-17", "SK-99"))
        assert why(old.chunks.first())["code"] == "superseded"

    def test_not_in_force(self, why, ingested):
        document = ingested().document
        Document.objects.update(expires_on=timezone.localdate() - DAY)
        assert why(document)["code"] == "not_in_force"
        Document.objects.update(expires_on=None)
        DocumentVersion.objects.update(effective_from="2025-06-01")
        assert why(document)["code"] == "kept"
        assert why(document, as_of="2025-05-31")["code"] == "not_in_force"

    def test_switched_off(self, why, ingested):
        chunk = ingested().chunks.get(text__contains="SK-17")
        correct(chunk, text=chunk.text, is_enabled=False, actor=None)
        assert why(chunk)["code"] == "disabled"

    def test_below_the_candidates_with_its_likeness(self, why, ingested, monkeypatch):
        monkeypatch.setattr("knowledge.explaining.CANDIDATES", 1)
        ingested()
        chunk = ingested("# Lunch\n\nSoup is served at noon.", "lunch.md").chunks.first()
        reason = why(chunk)
        assert reason["code"] == "below_candidates"
        assert reason["cosine"] < reason["last_cosine"]

    def test_a_duplicate(self, why, ingested):
        ingested("# A\n\nThe seal kit of the P-200 is SK-17.", "a.md")
        copy = ingested("# B\n\nThe seal kit of the P-200 is SK-17!", "b.md")
        first = ingested("# C\n\nThe seal kit of the P-200 is SK-17?", "c.md")
        codes = {why(v.chunks.exclude(kind="summary").first())["code"] for v in (copy, first)}
        assert "duplicate" in codes

    def test_below_the_places(self, why, ingested):
        ingested()
        other = ingested("# Other pumps\n\nThe P-300 has no seal at all.", "o.md")
        assert why(other.document, limit=1)["code"] in ("rank", "document_cap")


class TestRunning:
    def test_who_lost_the_role_gets_nothing(self, ask, ingested, client, curator):
        ingested()
        test = SearchTest.objects.create(owner=curator, person=curator, question="Seals?")
        curator.groups.clear()
        run_test(test.pk)
        test.refresh_from_db()
        assert (test.status, test.result) == ("failed", {})

    def test_a_search_that_breaks_is_said(self, ask, ingested, monkeypatch):
        ingested()
        monkeypatch.setattr("knowledge.retrieval.retrieve", lambda *args, **options: 1 / 0)
        test, page = ask()
        assert test.status == "failed" and "The search broke" in page

    def test_is_asked_for_again_until_it_is_there_and_forgotten_after_a_day(
        self, client, curator, encoder
    ):
        client.force_login(curator)
        test = SearchTest.objects.create(owner=curator, person=curator, question="Seals?")
        url = reverse("knowledge:search_test", args=[test.pk])
        waiting = client.get(url, headers={"HX-Request": "true"}).content.decode()
        assert "every 500ms" in waiting and "<html" not in waiting
        run_test(test.pk), run_test(test.pk)
        assert "hx-trigger" not in client.get(url, headers={"HX-Request": "true"}).content.decode()
        SearchTest.objects.update(created_at=timezone.now() - 2 * DAY)
        reconcile()
        assert not SearchTest.objects.exists()


class TestTheForm:
    def test_offers_people_of_ones_own_collections_only(
        self, client, curator, admin, mallory, bob, collection
    ):
        client.force_login(curator)
        page = client.get(reverse("knowledge:search_tests")).content.decode()
        assert ">bob<" in page and ">mallory<" not in page
        client.force_login(admin)
        assert ">mallory<" in client.get(reverse("knowledge:search_tests")).content.decode()

    def test_a_missing_one_by_title_or_by_the_address_of_its_page(self, ask, ingested):
        version = ingested()
        chunk = version.chunks.first()
        address = f"http://testserver{version.document.get_absolute_url()}#chunk-{chunk.pk}"
        assert ask(missing=address)[0].options["chunk"] == str(chunk.pk)
        assert ask(missing="pump man")[0].options["document"] == str(version.document_id)

    def test_nothing_foreign_can_be_missed(self, client, ingested, mallory):
        document = ingested().document
        mallory.groups.add(Group.objects.get(name="curator"))
        client.force_login(mallory)
        data = {"question": QUESTION, "limit": 2, "missing": str(document.pk)}
        page = client.post(reverse("knowledge:search_tests"), data).content.decode()
        assert "There is no such document" in page and not SearchTest.objects.exists()
