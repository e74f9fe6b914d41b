"""A dataset that came before the base model is counted as soon as there is one, once."""

import pytest
from django.urls import reverse

from phi3site.jobs import TRAINING, get_queue
from phi3site.valkey import client as valkey
from tests.training.conftest import jsonl, seal_lines
from training import counting, tasks
from training.datasets import import_dataset
from training.models import Dataset, Example
from training.reconciling import reconcile

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _empty_valkey():
    valkey().flushdb()


@pytest.fixture
def early(settings, tmp_path, admin):
    """A dataset that was imported while there was no base model."""
    settings.BASE_MODEL = str(tmp_path / "none")
    return import_dataset("Seals", jsonl(*seal_lines()), actor=admin, filename="seals.jsonl")


def counts_of(dataset):
    return list(dataset.examples.order_by("line").values_list("tokens", flat=True))


def waiting():
    return get_queue(TRAINING).get_job_ids()


def test_nothing_is_queued_while_there_is_nothing_to_count_with(
    early, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        reconcile()
    assert waiting() == []
    assert tasks.count_dataset(str(early.pk)) is None
    assert set(counts_of(early)) == {None}


def test_the_worker_has_it_counted_once_the_tokenizer_is_here(
    early, tiny, django_capture_on_commit_callbacks
):
    for _ in range(2):
        with django_capture_on_commit_callbacks(execute=True):
            reconcile()
    assert waiting() == [f"count-{early.pk}"]


def test_late_counts_are_those_of_an_import_with_the_model(early, tiny, admin):
    tasks.count_dataset(str(early.pk))
    late, report = counts_of(early), Dataset.objects.get(pk=early.pk).report
    Example.objects.all().delete()
    Dataset.objects.all().delete()
    fresh = import_dataset("Seals", jsonl(*seal_lines()), actor=admin, filename="seals.jsonl")
    assert late == counts_of(fresh)
    assert report == fresh.report


def test_second_job_finds_nothing_to_do(early, tiny):
    assert counting.count_dataset(early.pk) is True
    early.examples.update(tokens=7)
    assert counting.count_dataset(early.pk) is False
    assert set(counts_of(early)) == {7}
    assert counting.queue_counts() == 0


def test_count_that_was_broken_off_is_finished(early, tiny, monkeypatch):
    monkeypatch.setattr(counting, "BATCH", 5)
    early.examples.filter(line__lte=9).update(tokens=7)
    counting.count_dataset(early.pk)
    assert counts_of(early)[:9] == [7] * 9
    assert None not in counts_of(early)
    early.refresh_from_db()
    assert early.report["tokens"]["total"] == sum(counts_of(early))


def test_page_says_why_there_are_no_counts_and_fetches_them_when_they_come(
    early, client, admin, settings, base
):
    client.force_login(admin)
    address = reverse("training:dataset", args=[early.pk])
    assert "the base model is not on this machine" in client.get(address).content.decode()
    settings.BASE_MODEL = str(base)
    page = client.get(address).content.decode()
    assert "are being counted" in page
    assert 'hx-select="#tokens"' in page
    counting.count_dataset(early.pk)
    page = client.get(address).content.decode()
    assert "Tokens of the base model" in page
    assert "hx-select" not in page
