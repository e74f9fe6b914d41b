"""What the documents' pages advise: another file or another try, and where a title stands too."""

import pytest
from django.contrib.auth.models import Group
from django.core.files.base import ContentFile
from django.urls import reverse

from knowledge.cleaning import Cleaner
from knowledge.models import Collection, DocumentVersion
from tests.knowledge.conftest import MANUAL

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(client, curator):
    client.force_login(curator)
    return client


def fail(version, code, status="failed"):
    DocumentVersion.objects.filter(pk=version.pk).update(status=status, error_code=code)


def acts(page, version):
    """What is offered in the list and on the document's own page."""
    pages = (reverse("knowledge:documents"), version.document.get_absolute_url())
    shown = [page.get(address).content.decode() for address in pages]
    return [(">Retry<" in html, ">New version<" in html) for html in shown]


class TestRetry:
    @pytest.mark.parametrize("code", ["file_damaged", "file_encrypted", "no_text"])
    def test_a_file_that_is_at_fault_is_replaced_not_tried_again(self, page, upload, code):
        version = upload()
        fail(version, code)
        assert acts(page, version) == [(False, True)] * 2
        document = page.get(version.document.get_absolute_url()).content.decode()
        assert f'href="{version.document.get_absolute_url()}#new-version"' in document
        assert 'id="new-version"' in document

    @pytest.mark.parametrize(
        ("code", "status"),
        [
            ("ingestion_crashed", "failed"),
            ("extraction_time", "failed"),
            ("encoder_changed", "failed"),
            ("", "cancelled"),
            # Of an attempt before the one that was cancelled.
            ("file_damaged", "cancelled"),
        ],
    )
    def test_what_may_go_well_the_next_time_is_tried_again(self, page, upload, code, status):
        version = upload()
        fail(version, code, status)
        assert acts(page, version) == [(True, False)] * 2

    def test_a_damaged_pdf_fails_with_a_code_that_is_the_files(self, page, ingested):
        version = ingested(b"%PDF-1.7\nnothing of a PDF follows", "torn.pdf")
        version.refresh_from_db()
        assert version.is_at_fault, version.error_code
        assert acts(page, version) == [(False, True)] * 2


class TestSameTitle:
    @pytest.fixture
    def office(self):
        return Collection.objects.create(name="Office documents")

    def upload(self, page, collection):
        data = {
            "collection": str(collection.pk),
            "documents": [
                ContentFile((MANUAL + "\nAnother edition.").encode(), name="pump-manual.md")
            ],
        }
        return page.post(reverse("knowledge:upload"), data, follow=True).content.decode()

    def test_who_may_read_the_other_one_is_told_where_it_is(
        self, page, upload, office, collection, team
    ):
        office.readers.add(team)
        upload(into=office)
        shown = self.upload(page, collection)
        assert "“Pump manual” stands in “Office documents”, too." in shown
        assert "1 file uploaded" in shown

    def test_others_hear_nothing_of_it(self, page, upload, office, collection):
        office.readers.add(Group.objects.create(name="Office team"))
        upload(into=office)
        assert "Office documents" not in self.upload(page, collection)

    def test_next_version_and_deleted_ones_are_no_reason_to_warn(
        self, page, upload, office, collection, team
    ):
        office.readers.add(team)
        other = upload(into=office).document
        type(other).objects.filter(pk=other.pk).update(state="trashed")
        assert "stands in" not in self.upload(page, collection)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a\u200bb", "1 invisible character was left out."),
        ("a\u200bb\u200bc", "2 invisible characters were left out."),
    ],
)
def test_one_character_is_told_as_one(text, told):
    cleaner = Cleaner()
    cleaner.clean(text)
    assert cleaner.warnings() == [told]
