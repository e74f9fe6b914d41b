"""Headers, hosts and cookies of every response."""

import re

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db
PAGES = ["/sign-in/", "/", "/missing/", "/api/openapi.json", "/admin/", "/healthz"]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("signed_in", [False, True])
def test_policy_allows_nothing_inline_and_nothing_remote(client, admin, path, signed_in):
    if signed_in:
        client.force_login(admin)
    policy = client.get(path).headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in policy
    assert "http" not in policy
    assert ("unsafe" in policy) == path.startswith("/admin/")


@pytest.mark.parametrize("path", PAGES)
def test_what_a_person_sees_is_not_cached(client, path):
    assert "no-store" in client.get(path).headers["Cache-Control"]


@pytest.mark.parametrize("path", PAGES)
def test_other_headers_are_there(client, path):
    headers = client.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "Access-Control-Allow-Origin" not in headers


def test_pages_hold_no_inline_script_or_style(client):
    page = client.get("/sign-in/").content.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert "<style" not in page
    assert not re.search(r"\s(style|on\w+)=", page)


@pytest.mark.parametrize("host", ["evil.example", "$nonsense", "localhost.evil.example"])
def test_foreign_host_is_refused(client, host, settings):
    settings.ALLOWED_HOSTS = ["localhost"]
    assert client.get("/sign-in/", headers={"Host": host}).status_code == 400


def test_forwarded_host_is_not_believed(client, alice, settings):
    settings.ALLOWED_HOSTS = ["testserver"]
    answer = client.get("/", headers={"X-Forwarded-Host": "evil.example"})
    assert "evil" not in answer.url


def test_form_without_token_or_from_elsewhere_is_refused(alice):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice)
    assert browser.post("/sign-out/").status_code == 403
    assert browser.post("/sign-in/", {"username": "alice"}).status_code == 403


def test_session_cookie_is_out_of_reach_of_scripts(client, alice):
    client.post("/sign-in/", {"username": "alice", "password": "alice-password"})
    cookie = client.cookies["sessionid"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_sign_out_needs_a_post(client, alice):
    client.force_login(alice)
    assert client.get("/sign-out/").status_code == 405


def test_deactivated_person_is_out_at_the_next_request(client, alice):
    client.force_login(alice)
    assert client.get("/chat/").status_code == 200
    alice.is_active = False
    alice.save()
    assert client.get("/chat/").status_code == 302


def test_lowered_role_counts_at_the_next_request(client, admin):
    client.force_login(admin)
    assert client.get("/console/").status_code == 200
    admin.groups.clear()
    assert client.get("/console/").status_code == 403
