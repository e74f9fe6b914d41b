"""The address to listen at: free or not, and under which names the site is then reached."""

import socket

import pytest

from phi3site.bootstrap import SetupError
from phi3site.network import allowed_hosts, check_free, url_of


@pytest.fixture
def taken():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_free_port_is_accepted(taken):
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = server.getsockname()[1]
    check_free("127.0.0.1", free)


def test_a_taken_port_names_another(taken):
    with pytest.raises(SetupError, match=rf"Port {taken} is taken.*--port {taken + 1}") as error:
        check_free("127.0.0.1", taken, patience=0.2)
    assert error.value.code == "port"


@pytest.mark.parametrize(("host", "port"), [("no.such.host.invalid", 8000), ("127.0.0.1", 70000)])
def test_an_impossible_address_is_one_line_with_advice(host, port):
    with pytest.raises(SetupError, match="--host and --port") as error:
        check_free(host, port)
    assert "\n" not in str(error.value)


def test_a_site_for_everyone_answers_to_its_names_and_not_to_all():
    names = allowed_hosts("0.0.0.0").split(",")
    assert {"localhost", "127.0.0.1", socket.gethostname()} <= set(names)
    assert "*" not in names and "" not in names


def test_a_given_address_is_answered_to():
    assert "192.168.7.9" in allowed_hosts("192.168.7.9").split(",")
    assert "[fd00::7]" in allowed_hosts("fd00::7").split(",")


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://localhost:8000/"),
        ("0.0.0.0", "http://localhost:8000/"),
        ("192.168.7.9", "http://192.168.7.9:8000/"),
        ("fd00::7", "http://[fd00::7]:8000/"),
    ],
)
def test_the_url_to_open(host, url):
    assert url_of(host, 8000) == url
