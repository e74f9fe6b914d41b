"""An adapter tells nobody what they may not read."""

import asyncio

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse

from chat.adapter_rights import may_be_answered_with, state_collections
from chat.answering import answer as write_answer
from chat.errors import AdapterRefused
from chat.experts import create_expert, describe, new_version, promote
from chat.leases import claim_waiting
from chat.models import Adapter, Answer, Expert
from chat.threads import in_thread
from knowledge.models import Collection
from tests.fakes import ScriptedEngine

pytestmark = pytest.mark.django_db


@pytest.fixture
def adapter(collection):
    """Trained on the team's documents."""
    adapter = Adapter.objects.create(
        name="Terms", folder="adapters/x", base_fingerprint="b", base_model="demo",
        method="lora", rank=8,
    )  # fmt: skip
    adapter.collections.add(collection)
    return adapter


@pytest.fixture
def others():
    return Group.objects.create(name="Other team")


def test_readers_of_its_data_may_be_answered_with_it(
    adapter, admin, team, alice, mallory, collection
):
    expert = create_expert("Terms", actor=admin, adapter=adapter, groups=[team])
    assert expert.live_version.adapter == adapter
    assert may_be_answered_with(adapter, alice) and not may_be_answered_with(adapter, mallory)
    assert may_be_answered_with(None, mallory)


def test_an_expert_for_others_is_refused_in_words(adapter, admin, team, others, collection):
    with pytest.raises(AdapterRefused) as refused:
        create_expert("Terms", actor=admin, adapter=adapter, groups=[team, others])
    assert refused.value.code == "adapter_rights"
    assert collection.name in refused.value.message and "Other team" in refused.value.message
    assert "Service team" not in refused.value.message.split("which")[1]
    assert not Expert.objects.exists()


def test_an_expert_for_everyone_is_refused(adapter, admin):
    with pytest.raises(AdapterRefused, match="everyone may ask"):
        create_expert("Terms", actor=admin, adapter=adapter)


def test_new_versions_promotions_and_new_groups_are_looked_at_too(adapter, admin, team, others):
    open_expert = create_expert("Open", actor=admin, groups=[others])
    with pytest.raises(AdapterRefused):
        new_version(open_expert, actor=admin, adapter=adapter)
    expert = create_expert("Terms", actor=admin, adapter=adapter, groups=[team])
    with pytest.raises(AdapterRefused):
        describe(expert, actor=admin, groups=[team, others])
    version = new_version(expert, actor=admin, adapter=adapter)
    collection = adapter.collections.get()
    collection.readers.clear()
    collection.managers.clear()
    with pytest.raises(AdapterRefused):
        promote(version, actor=admin)


def test_unknown_data_leaves_the_choice_to_the_admin(adapter, admin):
    adapter.collections.clear()
    assert create_expert("Terms", actor=admin, adapter=adapter).live_version.adapter == adapter


def test_what_it_was_trained_on_can_be_stated_but_not_against_a_live_expert(
    adapter, admin, client, collection
):
    adapter.collections.clear()
    create_expert("Open to all", actor=admin, adapter=adapter)
    with pytest.raises(AdapterRefused, match="Open to all uses Terms"):
        state_collections(adapter, [collection], actor=admin)
    client.force_login(admin)
    url = reverse("chat:adapter_data", args=[adapter.pk])
    client.post(url, {"collections": [str(collection.pk)]})
    assert not adapter.collections.exists()
    Expert.objects.update(is_archived=True)
    client.post(url, {"collections": [str(collection.pk)]})
    assert list(adapter.collections.all()) == [collection]


@pytest.mark.django_db(transaction=True)
async def test_a_right_that_is_lost_later_ends_the_answer(alice, ask_as, expert, adapter, valkey):
    await in_thread(ask_as)(alice)
    await in_thread(close)(expert, adapter)
    (claim,) = await in_thread(claim_waiting)("w1", 1)
    engine = ScriptedEngine()
    await write_answer(claim, engine, valkey=valkey, stop=asyncio.Event())
    found = await Answer.objects.aget(pk=claim.answer_id)
    assert (found.status, found.error_code) == ("failed", "refused") and not engine.prompts


def close(expert, adapter):
    """The live version's adapter turns out to know what the team may not read."""
    type(expert.live_version).objects.update(adapter=adapter)
    adapter.collections.set([Collection.objects.create(name="Board papers")])
