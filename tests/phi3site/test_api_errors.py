"""Every refusal under /api/ has one shape, whoever refuses."""

import re
import uuid

import pytest
from django.http import HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.test import Client, RequestFactory

from phi3site.api_errors import ApiErrorsMiddleware

pytestmark = pytest.mark.django_db


def shape(response, status, code):
    assert response.status_code == status
    assert response.headers["Content-Type"].startswith("application/json")
    body = response.json()
    assert body["code"] == code
    assert body["message"]
    return body


def test_description_of_the_api_is_for_signed_in_people(client, alice):
    shape(client.get("/api/openapi.json"), 401, "not_signed_in")
    client.force_login(alice)
    assert client.get("/api/openapi.json").json()["openapi"].startswith("3.")


def test_there_is_no_page_of_docs_that_loads_from_elsewhere(client, alice):
    client.force_login(alice)
    shape(client.get("/api/docs"), 404, "not_found")


@pytest.mark.parametrize("path", ["/api/", "/api/missing/", "/v1/missing"])
def test_unknown_path_is_json(client, path):
    shape(client.get(path), 404, "not_found")


def through(response, path="/api/x"):
    return ApiErrorsMiddleware(lambda request: response)(RequestFactory().get(path))


def test_wrong_method_keeps_the_list_of_right_ones():
    answer = through(HttpResponseNotAllowed(["GET", "PUT"]))
    assert answer.headers["Allow"] == "GET, PUT"


def test_surprise_gets_an_id_and_tells_nothing_else(client, alice, caplog):
    answer = through(HttpResponse("<pre>Traceback KeyError secret</pre>", status=500))
    assert b"secret" not in answer.content
    assert b"internal_error" in answer.content
    assert "API error" in caplog.text


def test_json_of_our_own_and_good_answers_pass():
    own = JsonResponse({"code": "state_conflict", "message": "m"}, status=409)
    assert through(own) is own
    good = HttpResponse("text")
    assert through(good) is good


def test_pages_keep_their_own_errors(client):
    page = client.get("/missing/")
    assert page.status_code == 404
    assert "text/html" in page.headers["Content-Type"]


class TestOperations:
    """Asked of whatever operations there are."""

    def operations(self):
        schema = Client()
        from django.contrib.auth.models import User

        schema.force_login(User.objects.get(username="alice"))
        for path, methods in schema.get("/api/openapi.json").json()["paths"].items():
            for method in methods:
                # Lines are counted; all else has ids.
                filled = path.replace("{line}", "1")
                yield method, re.sub(r"\{\w+\}", str(uuid.UUID(int=1)), filled)

    def test_strangers_hear_401_before_anything_else(self, client, alice):
        for method, path in self.operations():
            shape(client.generic(method.upper(), path), 401, "not_signed_in")

    def test_cookie_alone_changes_nothing(self, alice):
        browser = Client(enforce_csrf_checks=True)
        browser.force_login(alice)
        for method, path in self.operations():
            if method != "get":
                answer = browser.generic(method.upper(), path, "{}", "application/json")
                shape(answer, 403, "forbidden")
