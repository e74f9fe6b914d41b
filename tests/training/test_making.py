"""Documents and feedback become candidates with their sources, for those who may manage them."""

import json
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from chat.models import Answer, Expert, Feedback, Passage
from knowledge.models import Collection
from phi3site.audit.models import AuditEvent
from phi3site.jobs import TRAINING, get_queue
from phi3site.valkey import client as valkey
from tests.chat.conftest import add_document
from tests.conftest import make_user
from training.errors import DatasetRefused
from training.feedback import collect_feedback
from training.making import ABSTENTIONS, make_dataset, request_dataset
from training.models import Dataset
from training.reconciling import reconcile

pytestmark = pytest.mark.django_db

PUMPS = [
    "The warranty of the Heron pump is 24 months. A Green Tag is a label for a tested pump.",
    "The oil of the Heron pump must be changed after 500 hours.",
    "Product: Heron 40; Seal: SK-17",
]
OFFICE = [
    "The lunch break of the office is 45 minutes.",
    "The pump room of the office may be entered by 2 people.",
]


@pytest.fixture
def documents(encoder, collection, tiny):
    return add_document(collection, "Pumps", PUMPS), add_document(collection, "Office", OFFICE)


@pytest.fixture
def requested(documents, collection, admin):
    return request_dataset("Made", collections=[collection], unanswerable=50, actor=admin)


@pytest.fixture
def made(requested):
    make_dataset(requested.pk)
    return Dataset.objects.get()


def prompt(example):
    return example.messages[1]["content"]


def answer(example):
    return example.messages[-1]["content"]


def test_the_result_waits_for_a_review(made):
    states = set(made.examples.values_list("state", flat=True))
    assert (made.status, states) == ("ready", {"candidate"})
    assert made.report["waiting"] == made.report["lines"] == made.examples.count()
    assert made.report["findings"]
    assert made.report["tokens"]["total"] > 0


def test_each_answer_names_the_passage_that_it_stands_in(made, documents):
    texts = {str(chunk.pk): chunk.text for chunks in documents for chunk in chunks}
    answered = made.examples.exclude(origin__kind="unanswerable")
    assert {one.origin["kind"] for one in answered} == {
        "definition",
        "figure",
        "table row",
        "heading",
    }
    for one in answered:
        marker = answer(one)[-3]
        passages = prompt(one).split("\n\n")
        cited = next(part for part in passages if part.startswith(f"[{marker}]"))
        assert texts[one.origin["chunks"][0]] in cited
        assert one.origin["title"] == one.source


def test_other_passages_are_found_by_search_and_answer_nothing(made):
    seal = made.examples.exclude(origin__kind="unanswerable").get(origin__kind="table row")
    assert seal.origin["others"]
    assert prompt(seal).count("SK-17") == 1


def test_some_questions_have_passages_of_other_documents_only(made):
    empty = made.examples.filter(origin__kind="unanswerable")
    assert empty.exists()
    for one in empty:
        assert answer(one) == ABSTENTIONS["English"]
        assert f"] {one.origin['title']}, p." not in prompt(one)


def test_the_same_documents_give_the_same_examples(made, collection, admin):
    again = request_dataset("Again", collections=[collection], unanswerable=50, actor=admin)
    make_dataset(again.pk)
    hashes = [list(one.examples.values_list("sha256", flat=True)) for one in (made, again)]
    assert hashes[0] == hashes[1]


def test_the_job_is_queued_again_until_it_is_made_and_makes_it_once(
    requested, django_capture_on_commit_callbacks
):
    valkey().flushdb()
    with django_capture_on_commit_callbacks(execute=True):
        reconcile()
    assert get_queue(TRAINING).get_job_ids() == [f"make-{requested.pk}"]
    assert make_dataset(requested.pk)
    count = requested.examples.count()
    assert not make_dataset(requested.pk)
    assert requested.examples.count() == count


def test_what_can_not_be_made_says_why(encoder, collection, admin, tiny):
    dataset = request_dataset("Empty", collections=[collection], actor=admin)
    make_dataset(dataset.pk)
    dataset.refresh_from_db()
    assert (dataset.status, dataset.error[:7]) == ("failed", "Nothing")


def test_only_managed_collections_are_asked(documents, collection, curator, mallory, admin):
    trainer = Permission.objects.get(codename="manage_training")
    elsewhere = make_user("cyrus", "curator")
    elsewhere.user_permissions.add(trainer)
    with pytest.raises(DatasetRefused, match="that you manage"):
        request_dataset("Theirs", collections=[collection], actor=elsewhere)
    assert not Dataset.objects.exists()


def test_the_page_asks_and_the_dataset_tells(client, admin, documents, collection):
    client.force_login(admin)
    url = reverse("training:from_documents")
    assert "Service documents" in client.get(url).content.decode()
    data = {"name": "Made", "collections": [collection.pk], "limit": 5}
    data |= {"distractors": 2, "unanswerable": 0}
    assert client.post(url, data | {"limit": 0}).status_code == 422
    response = client.post(url, data, follow=True)
    assert "being made" in response.content.decode()
    dataset = Dataset.objects.get()
    make_dataset(dataset.pk)
    html = client.get(dataset.get_absolute_url()).content.decode()
    assert "Review 5" in html
    assert "beyond the number asked for" in html
    example = client.get(reverse("training:example", args=[dataset.pk, 1])).content.decode()
    assert "version 1</a>" in example


def test_the_log_tells_who_asked_and_what_was_made(made, admin):
    events = {e.action: e for e in AuditEvent.objects.filter(target_id=str(made.pk))}
    assert events["dataset.requested"].actor_name == admin.username
    assert json.loads(events["dataset.made"].details)["examples"] == made.examples.count()


# --- Feedback


@pytest.fixture
def rate(alice, documents, collection):
    """An answer of the expert's that alice rated."""
    expert = Expert.objects.create(name="Service")
    version = expert.versions.create(number=1, system_prompt="Answer.")
    chunk = documents[0][0]

    def rating(text, *, thumb="up", corrected="", chunk=chunk, after=None, **fields):
        talk = alice.conversations.create(title=text[:20])
        question = talk.questions.create(client_id=uuid4(), asker=alice, text=text, after=after)
        found = Answer.objects.create(
            question=question, expert_version=version, status="complete", text="Yes [1].", **fields
        )
        Passage.objects.create(
            answer=found,
            marker=1,
            chunk_id=chunk.pk,
            version_id=chunk.version_id,
            document_id=chunk.version.document_id,
            collection_id=chunk.collection_id,
            text=chunk.text,
            sha256=chunk.sha256,
            kind="text",
            document_title="Pumps",
            version_number=1,
            file_sha256="f" * 64,
            media_type="text/plain",
        )
        if thumb:
            Feedback.objects.create(
                answer=found, author=alice, thumb=thumb, corrected_answer=corrected
            )
        return found

    return rating


def test_approved_and_corrected_answers_become_candidates(rate, admin, collection):
    approved = rate("How long is the warranty?")
    rate("And the oil?", thumb="down", corrected="After 500 hours [1].")
    dataset = collect_feedback("Rated", actor=admin)
    said = {one.origin["kind"]: answer(one) for one in dataset.examples.all()}
    assert said == {"approved": "Yes [1].", "correction": "After 500 hours [1]."}
    first = dataset.examples.get(origin__answer=str(approved.pk))
    assert "24 months" in prompt(first)
    assert (first.state, first.collections) == ("candidate", [collection.pk])
    assert list(dataset.collections.all()) == [collection]


def test_nothing_is_taken_that_nobody_approved(rate, admin):
    rate("Secret of mine?", thumb="")
    rate("Bad?", thumb="down")
    with pytest.raises(DatasetRefused, match="Nobody has approved"):
        collect_feedback("Rated", actor=admin)


def test_what_is_left_out_is_counted(rate, admin, encoder):
    first = rate("How long is the warranty?")
    rate("And then?", after=first)
    rate("Who knows?", is_abstention=True)
    gone = Collection.objects.create(name="Purged")
    foreign = add_document(gone, "Foreign", ["Words of others are here."])[0]
    rate("Foreign?", chunk=foreign)
    Permission.objects.get(codename="manage_collections").group_set.clear()
    group = first.question.asker.groups.get(name="Service team")
    admin.groups.add(group)
    actor = type(admin).objects.get(pk=admin.pk)
    dataset = collect_feedback("Rated", actor=actor)
    assert dataset.made_from["left_out"] == {
        "follow_ups": 1,
        "abstentions": 1,
        "other_collections": 1,
    }
    assert dataset.report["lines"] == dataset.examples.count() + 3 == 4


def test_a_click_collects_them(client, admin, rate):
    rate("How long is the warranty?")
    client.force_login(admin)
    response = client.post(reverse("training:from_feedback"), {"name": ""}, follow=True)
    assert "waits for a review of its 1" in response.content.decode()
    assert Dataset.objects.get().name == "Feedback"
