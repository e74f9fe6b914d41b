"""What a version said that is no longer in force is marked wherever it is read."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from knowledge.models import Document, DocumentVersion

pytestmark = pytest.mark.django_db
WORDS = "no longer in force"


@pytest.fixture
def pages(alice, client, cited):
    """The answer, its conversation and its passage as the asker reads them."""
    client.force_login(alice)
    passage = cited.passages.get()
    urls = (
        reverse("chat:answer", args=[cited.pk]),
        cited.question.conversation.get_absolute_url(),
        reverse("chat:passage", args=[passage.pk]),
    )
    return lambda: [client.get(url).content.decode() for url in urls]


def test_what_is_in_force_has_no_mark(pages):
    assert not [page for page in pages() if WORDS in page]


def replaced(version):
    version.status = DocumentVersion.Status.SUPERSEDED
    version.save()


def followed(version):
    version.effective_until = timezone.localdate()
    version.save()


def expired(version):
    yesterday = timezone.localdate() - timedelta(days=1)
    Document.objects.filter(pk=version.document_id).update(expires_on=yesterday)


@pytest.mark.parametrize("change", [replaced, followed, expired])
def test_replaced_and_expired_versions_are_marked(pages, cited, change):
    change(DocumentVersion.objects.get(pk=cited.passages.get().version_id))
    answer, conversation, passage = pages()
    for page in (answer, conversation):
        assert 'class="cite is-outdated"' in page and "Source 1, no longer in force" in page
        assert ">no longer in force</span>" in page
    assert WORDS in passage


def test_a_version_that_takes_over_later_leaves_the_mark_off(pages, cited):
    version = DocumentVersion.objects.get(pk=cited.passages.get().version_id)
    version.effective_until = timezone.localdate() + timedelta(days=3)
    version.save()
    assert not [page for page in pages() if WORDS in page]
