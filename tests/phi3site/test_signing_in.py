"""Guessing at the door is slow; who belongs here gets in all the same."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings as site_settings
from django.core import signing
from django.db import connection
from django.test import Client, RequestFactory

from phi3site import signing_in
from phi3site.audit.models import AuditEvent
from phi3site.rate_limits import Limit, client_address
from phi3site.valkey import client as valkey

pytestmark = pytest.mark.django_db
PATH = "/sign-in/"


@pytest.fixture(autouse=True)
def no_earlier_tries():
    keys = list(valkey().scan_iter("limit:*"))
    if keys:
        valkey().delete(*keys)


def sign_in(browser, name="alice", password="alice-password", **extra):
    return browser.post(PATH, {"username": name, "password": password}, **extra)


def test_right_password_opens_the_session_under_a_new_key(client, alice):
    client.get(PATH)
    session = client.session
    session["planted"] = 1
    session.save()
    planted = session.session_key
    client.cookies[site_settings.SESSION_COOKIE_NAME] = planted
    assert sign_in(client).status_code == 302
    assert client.session.session_key != planted


def test_wrong_password_and_unknown_name_look_alike(client, alice):
    wrong = sign_in(client, password="guess").content.decode()
    unknown = sign_in(client, name="nobody", password="guess").content.decode()
    token = re.compile(r'(X-CSRFToken": |csrfmiddlewaretoken" value=)"\w+"')
    assert token.sub("", wrong).replace("alice", "") == token.sub("", unknown).replace("nobody", "")


def test_deactivated_person_hears_the_same_as_a_wrong_password(client, alice):
    wrong = sign_in(client, password="guess").context["form"].errors
    alice.is_active = False
    alice.save()
    assert sign_in(client).context["form"].errors == wrong


def codes(response):
    return [error.code for error in response.context["form"].non_field_errors().as_data()]


def test_eleventh_guess_is_held_back_even_with_the_right_password(client, alice):
    for _ in range(10):
        assert codes(sign_in(client, password="guess")) == ["invalid_login"]
    assert codes(sign_in(client)) == ["too_many_attempts"]


def test_written_address_of_a_client_does_not_fool_the_brake(client, alice):
    for number in range(10):
        forged = {"X-Forwarded-For": f"203.0.113.{number}"}
        sign_in(client, password="guess", headers=forged)
    answer = sign_in(client, headers={"X-Forwarded-For": "203.0.113.99"})
    assert codes(answer) == ["too_many_attempts"]


def test_other_spellings_of_the_name_are_the_same_account(client, alice):
    for name in ("Alice", "ALICE", " alice", "ａｌｉｃｅ", "aLICE") * 2:
        sign_in(client, name=name, password="guess")
    assert codes(sign_in(client)) == ["too_many_attempts"]


def test_guesses_from_many_addresses_hold_back_strangers_but_not_the_victims_browser(alice):
    own = Client()
    sign_in(own)
    own.post("/sign-out/")
    for number in range(60):
        sign_in(Client(REMOTE_ADDR=f"198.51.100.{number}"), password="guess")
    assert codes(sign_in(Client(REMOTE_ADDR="192.0.2.1"))) == ["too_many_attempts"]
    assert sign_in(own).status_code == 302


def test_session_that_is_open_stays_open_while_someone_guesses(alice):
    own = Client()
    sign_in(own)
    for _ in range(12):
        sign_in(Client(), password="guess")
    assert own.get("/").status_code == 302
    assert "/sign-in/" not in own.get("/").url


def test_guesses_from_a_known_browser_are_held_back_too(client, alice):
    sign_in(client)
    client.post("/sign-out/")
    for _ in range(10):
        sign_in(client, password="guess")
    assert codes(sign_in(client)) == ["too_many_attempts"]


def test_cookie_of_one_account_does_not_open_the_brake_of_another(alice, bob):
    request = RequestFactory().get(PATH)
    request.COOKIES[signing_in.COOKIE] = signing.dumps("bob", salt=signing_in.SALT)
    assert signing_in.is_known_browser(request, "bob")
    assert not signing_in.is_known_browser(request, "alice")
    request.COOKIES[signing_in.COOKIE] = signing.dumps("bob", salt="another")
    assert not signing_in.is_known_browser(request, "bob")


def test_success_forgets_earlier_slips(client, alice):
    for _ in range(9):
        sign_in(client, password="slip")
    sign_in(client)
    client.post("/sign-out/")
    client.cookies.pop(signing_in.COOKIE)
    assert codes(sign_in(client, password="slip")) == ["invalid_login"]


def test_log_tells_of_refusals_and_once_of_holding_back(client, alice):
    for _ in range(14):
        sign_in(client, password="guess")
    actions = list(AuditEvent.objects.values_list("action", flat=True))
    assert actions.count("user.sign_in_refused") == 10
    assert actions.count("user.sign_in_held_back") == 1
    assert "guess" not in "".join(AuditEvent.objects.values_list("details", flat=True))


def test_sign_in_and_sign_out_are_events(client, alice):
    sign_in(client)
    client.post("/sign-out/")
    newest = AuditEvent.objects.filter(actor=alice).values_list("action", flat=True)
    assert list(newest[:2]) == ["user.signed_out", "user.signed_in"]


def test_admin_has_no_sign_in_of_its_own(client, alice):
    answer = client.post("/admin/login/", {"username": "alice", "password": "alice-password"})
    assert answer.status_code == 302
    assert answer.url.startswith("/sign-in/")
    assert "_auth_user_id" not in client.session


def test_sign_in_leads_to_no_other_site(client, alice):
    answer = sign_in(client, **{"QUERY_STRING": "next=https://evil.example/"})
    assert answer.url == "/"


class TestLimit:
    limit = Limit("test", 3, 60)

    def test_goes_ahead_until_the_number_is_reached(self):
        assert [self.limit.take("a") for _ in range(3)] == [0, 0, 0]
        assert 0 < self.limit.take("a") <= 60
        assert self.limit.take("b") == 0

    def test_forgetting_starts_again(self):
        for _ in range(4):
            self.limit.take("a")
        self.limit.forget("a")
        assert self.limit.take("a") == 0

    def test_burst_of_threads_gets_no_more_than_allowed(self):
        with ThreadPoolExecutor(16) as pool:
            waits = list(pool.map(lambda _: self.limit.take("burst"), range(64)))
        assert waits.count(0) == 3

    def test_names_do_not_stand_in_valkey(self):
        self.limit.take("alice@example.com")
        assert not any(b"alice" in key for key in valkey().scan_iter("limit:*"))

    def test_nothing_is_held_back_while_valkey_is_away(self, settings, monkeypatch):
        import redis

        gone = redis.Redis(unix_socket_path="/nonexistent/valkey.sock")
        monkeypatch.setattr("phi3site.rate_limits.prompt_client", lambda: gone)
        assert [self.limit.take("a") for _ in range(5)] == [0] * 5
        self.limit.forget("a")


@pytest.mark.parametrize(
    ("proxies", "header", "address"),
    [
        (0, "1.1.1.1", "10.0.0.9"),
        (1, "1.1.1.1, 2.2.2.2", "2.2.2.2"),
        (2, "1.1.1.1, 2.2.2.2, 3.3.3.3", "2.2.2.2"),
        (2, "1.1.1.1", "10.0.0.9"),
        (1, "", "10.0.0.9"),
    ],
)
def test_address_is_what_our_own_proxies_saw(settings, proxies, header, address):
    settings.TRUSTED_PROXIES = proxies
    request = RequestFactory().get("/", headers={"X-Forwarded-For": header})
    request.META["REMOTE_ADDR"] = "10.0.0.9"
    assert client_address(request) == address


def test_parallel_guesses_are_counted_before_the_password_is_looked_at(transactional_db):
    from tests.conftest import make_user

    make_user("alice", "employee")

    def guess(_):
        try:
            return b"Too many attempts" in sign_in(Client(), password="guess").content
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(guess, range(24)))
    assert outcomes.count(False) == 10


@pytest.mark.parametrize("is_demo", [True, False])
def test_demo_accounts_are_listed_in_a_demo_alone(client, db, settings, is_demo):
    settings.DEMO = is_demo
    page = client.get("/sign-in/").content.decode()
    assert ("Demo sign-ins" in page) is is_demo
    assert ("audrey" in page) is is_demo
