from datetime import date, timedelta

import pytest
from django.utils import timezone

from knowledge.filing import details_of, file_document
from knowledge.models import ChunkEmbedding, Document, DocumentVersion
from knowledge.retrieval import retrieve
from knowledge.tasks import embed_version
from knowledge.versions import restore, trash
from tests.knowledge.conftest import MANUAL

pytestmark = pytest.mark.django_db
NEW = MANUAL.replace("SK-17", "SK-99")
NEWER = MANUAL.replace("SK-17", "SK-111")


def days(number):
    return timezone.localdate() + timedelta(days=number)


@pytest.fixture
def kits(bob):
    """The seal kits that bob hears of on a day."""

    def kits(question="seal kit of the P-200", **options):
        found = retrieve(question, user=bob, collections=None, **options).passages
        return {kit for kit in ("SK-17", "SK-99", "SK-111") for p in found if kit in p.text}

    return kits


def write(document, **changes):
    from dataclasses import replace

    file_document(document, replace(details_of(document), **changes), actor=None)


class TestDays:
    def test_a_version_of_tomorrow_lets_the_present_one_answer(self, ingested, kits):
        old = ingested()
        new = ingested(NEW, effective_from=days(1))
        assert kits() == {"SK-17"}
        assert kits(as_of=days(1)) == {"SK-99"}
        old.refresh_from_db()
        assert (new.status, old.status, old.effective_until) == ("ready", "superseded", days(1))

    def test_the_day_may_be_named_in_the_question(self, ingested, kits):
        ingested()
        ingested(NEW, effective_from=date(2025, 6, 1))
        assert kits() == {"SK-99"}
        assert kits("seal kit of the P-200 as of 1 March 2025") == {"SK-17"}
        assert kits("seal kit of the P-200 as of 2025-06-01") == {"SK-99"}

    def test_three_versions_answer_each_in_its_time(self, ingested, kits):
        ingested()
        ingested(NEW, effective_from=date(2025, 1, 1))
        ingested(NEWER, effective_from=date(2026, 1, 1))
        assert kits(as_of=date(2024, 12, 31)) == {"SK-17"}
        assert kits(as_of=date(2025, 12, 31)) == {"SK-99"}
        assert kits(as_of=date(2026, 1, 1)) == {"SK-111"}

    def test_a_version_without_a_first_day_replaces_all_before_it(self, ingested, kits):
        ingested()
        ingested(NEW, effective_from=date(2025, 1, 1))
        ingested(NEWER)
        assert kits(as_of=date(2024, 1, 1)) == kits(as_of=date(2025, 2, 1)) == {"SK-111"}

    def test_a_first_day_given_later_brings_the_old_version_back_with_its_vectors(
        self, ingested, kits, django_capture_on_commit_callbacks
    ):
        old = ingested()
        new = ingested(NEW)
        assert not ChunkEmbedding.objects.filter(chunk__version=old).exists()
        write(new.document, effective_from=days(3))
        old.refresh_from_db()
        assert old.lacks_vectors and kits() == {"SK-17"}
        embed_version(str(old.pk))
        old.refresh_from_db()
        assert not old.lacks_vectors
        assert ChunkEmbedding.objects.filter(chunk__version=old).count() == old.chunk_count

    def test_the_last_day_is_the_last_one_that_answers(self, ingested, kits):
        document = ingested().document
        write(document, expires_on=days(0))
        assert kits() == {"SK-17"}
        assert kits(as_of=days(1)) == set()
        write(document, expires_on=days(-1))
        assert kits() == set()
        assert kits(as_of=days(-1)) == {"SK-17"}

    def test_trash_and_restore_keep_what_answers_when(self, ingested, kits):
        ingested()
        document = ingested(NEW, effective_from=days(1)).document
        trash(document, actor=None)
        assert kits() == kits(as_of=days(1)) == set()
        restore(document, actor=None)
        assert kits() == {"SK-17"} and kits(as_of=days(1)) == {"SK-99"}

    def test_the_queryset_says_the_same_as_the_search(self, ingested, bob):
        old = ingested()
        new = ingested(NEW, effective_from=days(1))
        answering = DocumentVersion.objects.answering
        assert list(answering(bob, on=days(0))) == [old]
        assert list(answering(bob, on=days(1))) == [new]


class TestReaders:
    def test_readers_of_a_document_narrow_those_of_its_collection(
        self, ingested, kits, bob, curator, mallory
    ):
        from django.contrib.auth.models import Group

        version = ingested()
        chosen = Group.objects.create(name="Chosen few")
        write(version.document, readers=(chosen,))
        assert kits() == set()
        assert not Document.objects.visible_to(bob).exists()
        assert not DocumentVersion.objects.answering(bob, on=days(0)).exists()
        assert Document.objects.visible_to(curator).exists()
        assert retrieve("seal kit", user=curator, collections=None).passages
        bob.groups.add(chosen)
        assert kits() == {"SK-17"} and Document.objects.visible_to(bob).exists()
        mallory.groups.add(chosen)
        assert not Document.objects.visible_to(mallory).exists()
        bob.groups.remove(chosen)
        assert kits() == set()

    def test_a_version_that_comes_later_is_as_closed(self, ingested, kits, team):
        from django.contrib.auth.models import Group

        document = ingested().document
        write(document, readers=(Group.objects.create(name="Chosen few"),))
        ingested(NEW, document=document)
        assert kits() == set()

    def test_a_collection_group_that_manages_sees_all_only_with_the_role(self, ingested, bob, team):
        from django.contrib.auth.models import Group

        version = ingested()
        assert version.document.collection.managers.filter(pk=team.pk).exists()
        write(version.document, readers=(Group.objects.create(name="Chosen few"),))
        assert not Document.objects.visible_to(bob).exists()
