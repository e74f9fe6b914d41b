import re

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse
from django.utils import timezone

from knowledge.filing import label
from knowledge.models import Collection, Document, DocumentVersion
from phi3site.audit.models import AuditEvent

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate()
DAY = timezone.timedelta(days=1)


@pytest.fixture
def browser(client, curator):
    client.force_login(curator)
    return client


@pytest.fixture
def three(upload):
    return [upload(f"About {name}.", f"{name}.txt").document for name in ("oil", "pump", "seal")]


def listed(browser, **asked):
    """The titles in the order of the list."""
    page = browser.get(reverse("knowledge:documents"), asked).content.decode()
    return re.findall(r'aria-label="Tick (\w+)"', page)


class TestList:
    def test_is_filtered_by_label_owner_and_days(self, browser, three, admin):
        oil, pump, seal = three
        label(oil, ("2026",), actor=admin)
        Document.objects.filter(pk=pump.pk).update(owner=admin, review_by=TODAY)
        Document.objects.filter(pk=seal.pk).update(
            review_by=TODAY + 9 * DAY, expires_on=TODAY - DAY
        )
        assert listed(browser, label="2026") == ["Oil"]
        assert listed(browser, owner=admin.pk) == ["Pump"]
        assert listed(browser, review="due") == ["Pump"]
        assert listed(browser, review="soon", sort="title") == ["Pump", "Seal"]
        assert listed(browser, review="expired") == ["Seal"]
        DocumentVersion.objects.filter(document=oil).update(effective_from=TODAY + DAY)
        assert listed(browser, review="later") == ["Oil"]
        assert len(listed(browser, label="nothing", owner="x", sort="drop table")) == 3

    def test_is_sorted_by_each_column_both_ways(self, browser, three):
        for size, document in enumerate(three):
            DocumentVersion.objects.filter(document=document).update(size=size)
        assert listed(browser, sort="title") == listed(browser, sort="size")
        assert listed(browser, sort="-title") == ["Seal", "Pump", "Oil"]
        page = browser.get(reverse("knowledge:documents"), {"sort": "title"}).content.decode()
        assert 'aria-sort="ascending"><a href="?sort=-title">' in page
        for key in ("status", "collection", "review", "-uploaded"):
            assert len(listed(browser, sort=key)) == 3

    def test_labels_of_other_teams_are_not_offered(self, browser, three, admin):
        other = Collection.objects.create(name="Elsewhere")
        Document.objects.create(collection=other, title="X", labels=["hush"], owner=admin)
        assert "hush" not in browser.get(reverse("knowledge:documents")).content.decode()


class TestBulk:
    @pytest.fixture
    def do(self, browser):
        def do(act, documents, **fields):
            data = {"act": act, "documents": [d.pk for d in documents], **fields}
            response = browser.post(reverse("knowledge:bulk"), data, follow=True)
            return response.content.decode()

        return do

    def test_trash_and_restore(self, do, browser, three):
        assert "2 documents deleted" in do("trash", three[:2])
        assert listed(browser) == ["Seal"]
        assert sorted(listed(browser, status="trashed")) == ["Oil", "Pump"]
        assert "1 document restored" in do("restore", three[:1])
        assert "t in the trash any more" in do("restore", three[:1])
        assert AuditEvent.objects.filter(action="document.trashed").count() == 2

    def test_labels(self, do, three):
        assert "Type the labels first" in do("label", three, labels=" , ")
        do("label", three, labels="a, b")
        assert {tuple(d.labels) for d in Document.objects.all()} == {("a", "b")}

    def test_move_only_to_where_one_manages(self, do, three, team):
        foreign = Collection.objects.create(name="Elsewhere")
        do("move", three, collection=foreign.pk)
        assert not Document.objects.filter(collection=foreign).exists()
        foreign.managers.add(team)
        assert "3 documents moved" in do("move", three, collection=foreign.pk)
        assert Document.objects.filter(collection=foreign).count() == 3

    def test_read_again_tries_what_failed_again(self, do, three):
        versions = DocumentVersion.objects
        versions.filter(document=three[0]).update(status="failed")
        versions.filter(document=three[1]).update(status="ready")
        shown = do("read_again", three)
        assert "2 documents queued" in shown and "on its way already" in shown
        assert [d.versions.count() for d in three] == [1, 2, 1]
        assert versions.get(document=three[0]).status == "queued"

    def test_nothing_ticked_or_foreign_changes_nothing(self, do, client, three, mallory):
        assert "Tick the documents first" in do("trash", [])
        mallory.groups.add(Group.objects.get(name="curator"))
        client.force_login(mallory)
        data = {"act": "trash", "documents": [d.pk for d in three]}
        client.post(reverse("knowledge:bulk"), data)
        assert Document.objects.filter(state="active").count() == 3
