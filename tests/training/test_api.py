"""The API does what the pages do, for the same people."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.training.conftest import seal_lines
from training.models import Run

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.fixture
def api(client, admin):
    client.force_login(admin)
    return client


def test_a_dataset_is_uploaded_listed_and_used(api, tiny):
    file = SimpleUploadedFile("seals.jsonl", b"\n".join(seal_lines()))
    response = api.post("/api/datasets", {"name": "Seals", "file": file})
    assert response.status_code == 201
    found = response.json()
    assert found["report"]["examples"] == 24
    assert [item["id"] for item in api.get("/api/datasets").json()["items"]] == [found["id"]]
    recipe = {"r": 4, "method": "qlora", "max_length": 512}
    body = {"dataset": found["id"], "name": "Seals", "recipe": recipe}
    response = api.post("/api/runs", body, content_type=JSON)
    assert response.status_code == 201
    run = response.json()
    assert (run["status"], run["recipe"]["r"]) == ("queued", 4)
    assert api.post(f"/api/runs/{run['id']}/cancel").json()["status"] == "cancelled"
    assert api.post(f"/api/runs/{run['id']}/resume").json()["status"] == "queued"
    assert api.get(f"/api/runs/{run['id']}/metrics").json()["items"] == []


@pytest.mark.parametrize(
    ("recipe", "word"), [({"r": 0}, "r must"), ({"output_dir": "/x"}, "output_dir")]
)
def test_a_bad_recipe_is_refused_in_words(recipe, word, api, dataset):
    body = {"dataset": str(dataset.pk), "name": "No", "recipe": recipe}
    response = api.post("/api/runs", body, content_type=JSON)
    assert response.status_code == 422
    assert response.json()["code"] == "recipe_refused"
    assert word in response.json()["message"]


def test_a_useless_file_is_refused_in_words(api, tiny):
    file = SimpleUploadedFile("seals.jsonl", b"{oops")
    response = api.post("/api/datasets", {"name": "Seals", "file": file})
    assert response.status_code == 422
    assert "Line 1" in response.json()["message"]


def test_what_has_ended_is_not_cancelled_again(api, run):
    Run.objects.update(status="finished")
    response = api.post(f"/api/runs/{run.pk}/cancel")
    assert response.status_code == 409
    assert response.json()["code"] == "state_conflict"


def test_others_are_refused_and_strangers_unknown(client, run, alice, auditor):
    paths = ["/api/datasets", "/api/runs", f"/api/runs/{run.pk}", f"/api/runs/{run.pk}/metrics"]
    assert {client.get(path).status_code for path in paths} == {401}
    for person in (alice, auditor):
        client.force_login(person)
        assert {client.get(path).status_code for path in paths} == {403}
        assert client.post(f"/api/runs/{run.pk}/cancel").status_code == 403
