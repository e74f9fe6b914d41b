"""Only what people accepted is learned; who decided is known; what was used stays as it is."""

import json

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from knowledge.models import Collection
from phi3site.audit.models import AuditEvent
from tests.conftest import make_user
from training.errors import DatasetRefused, RecipeRefused, StateConflict
from training.launching import write_examples
from training.models import Dataset
from training.reviewing import decide, edit, revise
from training.runs import start_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(client, admin):
    client.force_login(admin)
    return client


@pytest.fixture
def waiting(dataset):
    """The dataset with all its examples still to be reviewed."""
    dataset.examples.update(state="candidate")
    return dataset


def states(dataset):
    return dict(dataset.examples.values_list("line", "state"))


def example(dataset, line=1):
    return dataset.examples.get(line=line)


def events(action):
    return [json.loads(event.details) for event in AuditEvent.objects.filter(action=action)]


def test_only_accepted_examples_reach_the_run(waiting, recipe, admin):
    decide(waiting, waiting.examples.filter(line__lte=20), "accepted", actor=admin)
    decide(waiting, waiting.examples.filter(line=21), "rejected", actor=admin)
    run = start_run(waiting, recipe, name="Seals", actor=admin)
    write_examples(run)
    lines = (run.folder / "examples.jsonl").read_text().splitlines()
    assert [json.loads(line)["line"] for line in lines] == list(range(1, 21))
    counts = run.facts["preflight"]
    assert (
        counts["train_examples"] == waiting.examples.filter(state="accepted", split="train").count()
    )


def test_nothing_accepted_is_nothing_to_learn(waiting, recipe, admin):
    with pytest.raises(RecipeRefused, match="Review it first"):
        start_run(waiting, recipe, name="Seals", actor=admin)


def test_every_example_is_counted_in_one_place(waiting, admin):
    decide(waiting, waiting.examples.filter(line__lte=20), "accepted", actor=admin)
    decide(waiting, waiting.examples.filter(line=21), "rejected", actor=admin)
    report = Dataset.objects.get().report
    assert (report["waiting"], report["rejected"]) == (3, 1)
    assert report["train"] + report["eval"] == 20
    assert report["examples"] == 24


def test_who_decided_what_is_known(waiting, admin):
    assert decide(waiting, waiting.examples.filter(line__in=(1, 2)), "rejected", actor=admin) == 2
    assert decide(waiting, waiting.examples.filter(line=2), "rejected", actor=admin) == 0
    decided = example(waiting)
    assert decided.decided_by == admin
    assert decided.decided_at is not None
    assert events("dataset.reviewed") == [{"count": 2, "decision": "rejected", "lines": [1, 2]}]


def test_edited_words_are_accepted_and_counted_anew(waiting, admin):
    first = example(waiting)
    before, tokens = first.sha256, first.tokens
    edit(first, ["Which seal has pump 0?", "The seal kit SK-0."], actor=admin)
    first.refresh_from_db()
    assert first.messages[1] == {"role": "assistant", "content": "The seal kit SK-0."}
    assert first.state == "accepted"
    assert first.tokens > tokens
    assert first.origin == {"edited": True}
    assert events("dataset.example_edited")[0]["before"] == before


@pytest.mark.parametrize("contents", [["Which?", " "], ["", "SK."], ["a\x00", "b"]])
def test_words_that_teach_nothing_are_refused(contents, dataset, admin):
    with pytest.raises(DatasetRefused, match="can't be learned"):
        edit(example(dataset), contents, actor=admin)


def test_words_of_another_example_are_refused(dataset, admin):
    words = [turn["content"] for turn in example(dataset, 2).messages]
    with pytest.raises(DatasetRefused, match="Example 2 says the very same"):
        edit(example(dataset), words, actor=admin)


def test_what_a_run_used_stays_as_it_is(run, dataset, admin):
    with pytest.raises(StateConflict) as refused:
        decide(dataset, dataset.examples.all(), "rejected", actor=admin)
    assert refused.value.code == "dataset_frozen"
    with pytest.raises(StateConflict):
        edit(example(dataset), ["Which?", "That."], actor=admin)
    assert set(states(dataset).values()) == {"accepted"}


def test_a_new_version_of_it_can_be_changed(run, dataset, admin):
    dataset.collections.add(Collection.objects.create(name="Manuals"))
    copy = revise(dataset, actor=admin)
    decide(copy, copy.examples.filter(line=1), "rejected", actor=admin)
    assert (copy.version, copy.parent) == (2, dataset)
    assert states(copy)[1] == "rejected"
    assert states(dataset)[1] == "accepted"
    assert copy.collections.get().name == "Manuals"
    assert revise(dataset, actor=admin).version == 3
    assert events("dataset.revised")[0]["of"] == str(dataset.pk)


def test_one_after_the_other_by_the_buttons(page, waiting):
    url = reverse("training:review", args=[waiting.pk])
    first = reverse("training:example", args=[waiting.pk, 1])
    html = page.get(first, {"show": "waiting"}).content.decode()
    assert all(f'data-key="{key}"' in html for key in "jaer")
    response = page.post(url, {"decision": "accepted", "line": 1, "show": "waiting"})
    assert response.url == reverse("training:example", args=[waiting.pk, 2]) + "?show=waiting"
    response = page.post(url, {"decision": "rejected", "line": 24, "show": "waiting"})
    assert response.url == waiting.get_absolute_url()
    assert (states(waiting)[1], states(waiting)[24]) == ("accepted", "rejected")


def test_all_that_wait_are_accepted_at_once(page, waiting):
    waiting.examples.filter(line=3).update(state="rejected")
    url = reverse("training:review", args=[waiting.pk])
    assert "23 accepted" in page.post(url, {"decision": "accepted"}, follow=True).content.decode()
    assert states(waiting)[3] == "rejected"
    assert Dataset.objects.get().report["waiting"] == 0


@pytest.mark.parametrize("sent", [{"decision": "oops"}, {"decision": "candidate", "line": 1}])
def test_an_odd_decision_changes_nothing(sent, page, waiting):
    page.post(reverse("training:review", args=[waiting.pk]), sent)
    assert set(states(waiting).values()) == {"candidate"}


def test_an_example_is_edited_on_its_page(page, waiting):
    url = reverse("training:edit_example", args=[waiting.pk, 1])
    refused = page.post(url, {"turn_0": "Which?", "turn_1": ""})
    assert refused.status_code == 422
    page.post(url, {"turn_0": "Which?\r\nNow.", "turn_1": "SK-1."})
    assert example(waiting).messages[0]["content"] == "Which?\nNow."


def test_a_used_dataset_offers_a_new_version(page, run, dataset):
    html = page.get(reverse("training:example", args=[dataset.pk, 1])).content.decode()
    assert 'data-key="a"' not in html
    response = page.post(reverse("training:revise", args=[dataset.pk]), follow=True)
    assert "v2 has the examples of" in response.content.decode()


def test_words_of_a_foreign_collection_are_not_shown(client, waiting, team):
    collection = Collection.objects.create(name="Board minutes")
    waiting.examples.filter(line=1).update(collections=[collection.pk])
    trainer = make_user("tina")
    trainer.user_permissions.add(Permission.objects.get(codename="manage_training"))
    client.force_login(trainer)
    page = client.get(waiting.get_absolute_url()).content.decode()
    assert "1 example holds words of collections" in page
    assert "pump 0?" not in page
    assert client.get(reverse("training:example", args=[waiting.pk, 1])).status_code == 404
    url = reverse("training:review", args=[waiting.pk])
    assert client.post(url, {"decision": "accepted", "line": 1}).status_code == 404
    client.post(url, {"decision": "accepted"})
    assert states(waiting)[1] == "candidate"
    listed = client.get(f"/api/datasets/{waiting.pk}/examples").json()
    assert (listed["count"], listed["items"][0]["line"]) == (23, 2)


def test_the_api_reviews_edits_and_revises(page, waiting, recipe, admin):
    def send(method, path, body):
        address = f"/api/datasets/{waiting.pk}/{path}"
        return getattr(page, method)(address, body, content_type="application/json")

    report = send("post", "review", {"decision": "rejected", "lines": [2, 3]}).json()["report"]
    assert (report["rejected"], report["waiting"]) == (2, 22)
    edited = send("patch", "examples/1", {"contents": ["Which?", "That."]}).json()
    assert edited["state"] == "accepted"
    assert send("patch", "examples/1", {"contents": ["One"]}).status_code == 422
    assert send("post", "review", {"decision": "accepted"}).json()["report"]["waiting"] == 0
    start_run(waiting, recipe, name="Seals", actor=admin)
    assert send("post", "review", {"decision": "rejected"}).json()["code"] == "dataset_frozen"
    assert send("post", "revise", {}).json()["version"] == 2
