"""A version is tried by who manages experts, and never answers anybody else."""

import asyncio
from uuid import uuid4

import pytest
from django.urls import reverse

from chat.answering import answer as write_answer
from chat.asking import ask, regenerate
from chat.errors import Forbidden, NotFound
from chat.experts import archive, new_version, promote
from chat.leases import claim_waiting
from chat.models import Answer, Conversation
from chat.threads import in_thread
from chat.trials import start_trial
from tests.fakes import ScriptedEngine

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(admin, expert, collection):
    return new_version(
        expert, actor=admin, collections=[collection], system_prompt="You are on trial."
    )


@pytest.fixture
def trial(admin, version):
    return start_trial(version, user=admin)


def question(user, expert, conversation=None):
    return ask(
        user,
        client_id=uuid4(),
        question="What is the seal kit of the Heron pump?",
        expert_id=expert.pk,
        conversation_id=conversation and conversation.pk,
    )


def test_the_conversation_is_answered_by_that_version_and_others_by_the_live_one(
    admin, alice, expert, version, trial
):
    asked = question(admin, expert, trial)
    assert asked.expert_version == version
    assert question(alice, expert).expert_version == expert.live_version
    assert question(admin, expert).expert_version == expert.live_version
    Answer.objects.filter(pk=asked.pk).update(status="complete")
    assert regenerate(admin, asked.pk).expert_version == version


def test_promotion_of_a_third_version_changes_no_trial(admin, expert, version, trial):
    promote(new_version(expert, actor=admin), actor=admin)
    assert question(admin, expert, trial).expert_version == version


def test_nobody_else_gets_into_the_trial(alice, expert, trial):
    with pytest.raises(NotFound):
        question(alice, expert, trial)


@pytest.mark.parametrize("how", ["right lost", "archived"])
def test_a_trial_ends_with_the_right_or_the_expert(admin, expert, trial, how):
    if how == "archived":
        archive(expert, actor=admin)
    else:
        admin = demoted(admin)
    with pytest.raises(Forbidden):
        question(admin, expert, trial)


def demoted(user):
    """The same person as an employee; a new object, since permissions are kept on it."""
    from django.contrib.auth.models import Group, User

    user.groups.set(Group.objects.filter(name="employee"))
    return User.objects.get(pk=user.pk)


@pytest.mark.django_db(transaction=True)
async def test_a_right_that_is_lost_while_waiting_ends_the_answer(admin, expert, trial, valkey):
    await in_thread(question)(admin, expert, trial)
    await in_thread(demoted)(admin)
    (claim,) = await in_thread(claim_waiting)("w1", 1)
    engine = ScriptedEngine()
    await write_answer(claim, engine, valkey=valkey, stop=asyncio.Event())
    found = await Answer.objects.aget(pk=claim.answer_id)
    assert (found.status, found.error_code) == ("failed", "refused") and not engine.prompts


def test_a_button_opens_the_trial_and_the_page_says_what_it_is(client, admin, expert, version):
    client.force_login(admin)
    page = client.get(expert.get_absolute_url()).content.decode()
    url = reverse("chat:try_version", args=[expert.pk])
    assert page.count(url) == 2 and "Try this version" in page
    response = client.post(url, {"version": version.number})
    conversation = Conversation.objects.get(trial=version)
    assert response["Location"] == conversation.get_absolute_url()
    opened = client.get(conversation.get_absolute_url()).content.decode()
    assert "Trial." in opened and "version 2 (trial)" in opened and "not live" in opened
    assert client.post(url, {"version": "99"}).status_code == 404
    plain = client.get(reverse("chat:home")).content.decode()
    assert "(trial)" not in plain
