"""What became of a source is told by the dataset and by the adapters that learned from it."""

from dataclasses import replace

import pytest
from django.urls import reverse

from chat.adapter_rights import may_be_answered_with
from chat.bases import context_limit
from chat.fingerprints import write_manifest
from knowledge.models import Document
from knowledge.purging import dependents
from knowledge.shelving import dependents_of
from tests.chat.conftest import add_document
from tests.training.test_making import PUMPS
from training.bases import find_base
from training.lineage import of_adapter, sources_of
from training.making import make_dataset, request_dataset
from training.models import Dataset
from training.reviewing import decide
from training.runs import adapter_folder, claim_run, finish_run, start_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def made(encoder, collection, tiny, admin):
    """An accepted dataset of one document."""
    add_document(collection, "Pumps", PUMPS)
    wanted = {"collections": [collection], "unanswerable": 0, "distractors": 0}
    dataset = request_dataset("Made", **wanted, actor=admin)
    make_dataset(dataset.pk)
    decide(dataset, dataset.examples.all(), "accepted", actor=admin)
    return Dataset.objects.get()


@pytest.fixture
def adapter(made, recipe, admin):
    """What a run with it left."""
    longest = replace(recipe, max_length=context_limit(find_base()))
    run = claim_run(start_run(made, longest, name="Pumps", actor=admin).pk)
    folder = adapter_folder(run)
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text("{}")
    (folder / "adapter_model.safetensors").write_bytes(b"weights")
    write_manifest(folder, base="b" * 64)
    return finish_run(run, {}, "b" * 64)


def state(dataset):
    return {source.title: source.state for source in sources_of(dataset)}


def trash(**values):
    Document.objects.filter(title="Pumps").update(**values)


def test_every_source_is_counted_with_its_examples(made):
    assert state(made) == {"Pumps": "current"}
    assert sources_of(made)[0].examples == made.examples.count()


def test_a_newer_version_is_told(made):
    version = Document.objects.get().versions.get()
    Document.objects.get().versions.update(status="superseded")
    version.pk, version.number = None, 2
    version.save(force_insert=True)
    assert state(made) == {"Pumps": "outdated"}


@pytest.mark.parametrize(("now", "told"), [("trashed", "deleted"), ("purged", "removed")])
def test_a_deleted_source_flags_dataset_and_adapter(now, told, made, adapter, client, admin):
    client.force_login(admin)
    pages = [made.get_absolute_url(), reverse("chat:adapter", args=[adapter.pk])]
    fine = [client.get(url).content.decode().lower() for url in pages]
    assert not any("deleted" in html for html in fine)
    trash(state=now)
    assert state(made) == {"Pumps": told}
    assert of_adapter(adapter)["gone"] == ["Pumps"]
    assert all("deleted" in client.get(url).content.decode().lower() for url in pages)


def test_a_deleted_collection_flags_them_too(made, adapter, collection):
    collection.state = "trashed"
    collection.save()
    assert collection.name in of_adapter(adapter)["gone"]


def test_an_adapter_has_the_rights_of_its_dataset(adapter, collection, alice, mallory):
    assert list(adapter.collections.all()) == [collection]
    assert may_be_answered_with(adapter, alice)
    assert not may_be_answered_with(adapter, mallory)


def test_who_deletes_a_document_is_told_what_rests_on_it(made, adapter, collection):
    rests = {one.name: one.count for one in dependents(Document.objects.get())}
    assert rests["datasets with examples from it"] == 1
    assert rests["adapters that learned from these"] == 1
    assert "adapters that learned from these" in {one.name for one in dependents_of(collection)}


def test_an_adapter_from_elsewhere_has_no_dataset(adapter):
    adapter.run_id = None
    assert of_adapter(adapter) == {}
