"""Every door of the site against everybody: what the table says is what they hear.

The walk finds the doors by itself; one that the table doesn't know fails by its name.
"""

import inspect
import json
import re
import uuid
from importlib import import_module
from urllib.parse import urlencode

import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from django.db import transaction
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.urls import URLResolver, get_resolver, reverse
from ninja.operation import PathView

from phi3site.asgi import application
from phi3site.jobs import AllowListedJob, ForbiddenJob
from tests.access_table import API, COLUMNS, JOBS, PAGES, SENT, SENT_WITH_FILE, SOCKETS, rows
from tests.access_world import World

PAGE_ROWS, API_ROWS, SOCKET_ROWS = rows(PAGES), rows(API), rows(SOCKETS)


def spoken(value):
    return value.replace("/", ".")


# --- Which doors there are


def walk(patterns, namespace="", prefix=""):
    """(name, path, PathView or None) of every URL; the admin is one door."""
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            if pattern.namespace == "admin":
                yield "admin:index", path, None
            else:
                inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
                yield from walk(pattern.url_patterns, inner, path)
        else:
            yield f"{namespace}{pattern.name}", path, path_view(pattern.callback)


def path_view(callback):
    """The API's operations behind a URL, if it is one of the API."""
    inside = inspect.getclosurevars(callback).nonlocals if inspect.isfunction(callback) else {}
    found = inside.get("self")
    return found if isinstance(found, PathView) else None


DOORS = list(walk(get_resolver().url_patterns))
OPERATIONS = {
    (method, path)
    for _name, path, view in DOORS
    if view
    for operation in view.operations
    for method in operation.methods
}


def sockets():
    """Every websocket route, through the layers of the ASGI application."""
    layer = application.application_mapping["websocket"]
    while not hasattr(layer, "routes"):
        layer = getattr(layer, "application", None) or layer.inner
    return {("WS", str(route.pattern)) for route in layer.routes}


def test_every_page_is_in_the_table():
    assert {name for name, _path, view in DOORS if not view} == {door for _, door in PAGE_ROWS}


def test_every_operation_is_in_the_table():
    assert set(API_ROWS) == OPERATIONS


def test_every_socket_is_in_the_table():
    assert sockets() == set(SOCKET_ROWS)


def test_every_job_is_in_the_table(settings):
    assert set(JOBS.split()) == settings.JOBS_ALLOWED


def test_no_operation_is_without_auth():
    for name, path, view in DOORS:
        for operation in view.operations if view else ():
            assert operation.auth_callbacks, f"{path} ({name}) is open to anybody"


# --- What everybody hears


@pytest.fixture
def world(team, settings, tmp_path):
    settings.BASE_MODEL = str(tmp_path / "no-model")
    return World(team)


class Undo(Exception):
    """Ends a transaction without keeping anything."""


def hear(world, who, method, url, data=None, **extra):
    """The status that a person hears; whatever it changed is undone."""
    browser = Client(raise_request_exception=False)
    if world.people[who]:
        browser.force_login(world.people[who])
    status = None
    try:
        with transaction.atomic():
            status = browser.generic(method, url, data or b"", **extra).status_code
            raise Undo
    except Undo:
        return status


def address(name, path, ids):
    """The URL of a door, with ids for whatever it asks for."""
    wanted = [part.split(":")[-1] for part in path.replace(">", "<").split("<")[1::2]]
    return reverse(name, kwargs={key: ids[key] for key in wanted})


def filled(fields, world):
    """Ids of the owner's in the place of their names."""
    return {key: _with_ids(value, world) for key, value in fields.items()}


def _with_ids(value, world):
    if isinstance(value, list):
        return [_with_ids(one, world) for one in value]
    return value.format(**world.ids)


def form(world, name):
    """The body of a page's form."""
    fields = filled(SENT.get(name, {}), world)
    return {
        "data": urlencode(fields),
        "content_type": "application/x-www-form-urlencoded",
    }


def body(world, operation):
    """The body of an operation: parts with a file, or JSON."""
    if fields := SENT_WITH_FILE.get(operation):
        fields = filled(fields, world)
        fields["file"] = world.file(fields["file"])
        return {"data": encode_multipart(BOUNDARY, fields), "content_type": MULTIPART_CONTENT}
    fields = filled(SENT.get(operation, {}), world)
    return {"data": json.dumps(fields), "content_type": "application/json"}


PATHS = {name: path for name, path, _view in DOORS}


def bogus(ids):
    return {key: uuid.uuid4() if key.endswith("_id") else value for key, value in ids.items()}


@pytest.mark.django_db
@pytest.mark.parametrize(("method", "name"), PAGE_ROWS, ids=spoken)
def test_page(world, method, name):
    url = address(name, PATHS[name], world.ids) if name != "admin:index" else "/admin/"
    heard = {who: hear(world, who, method, url, **form(world, name)) for who in COLUMNS}
    assert heard == PAGE_ROWS[method, name]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "name"), [row for row in PAGE_ROWS if "_id" in PATHS[row[1]]], ids=spoken
)
def test_missing_object_sounds_like_a_foreign_one(world, method, name):
    url = address(name, PATHS[name], bogus(world.ids))
    heard = {who: hear(world, who, method, url, **form(world, name)) for who in COLUMNS}
    refused = {302 if who == "anonymous" else 403 for who in COLUMNS}
    assert set(heard.values()) <= {404, *refused}
    for who, expected in PAGE_ROWS[method, name].items():
        if expected == 404:
            assert heard[who] == 404


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "name"), [row for row in PAGE_ROWS if row[0] == "POST"], ids=spoken
)
def test_change_needs_more_than_opening_an_address(world, method, name):
    url = address(name, PATHS[name], world.ids)
    assert hear(world, "owner", "GET", url) in (302, 403, 405)


@pytest.mark.django_db
@pytest.mark.parametrize(("method", "path"), API_ROWS, ids=spoken)
def test_operation(world, method, path):
    url = "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda match: str(world.ids[match[1]]), path)
    sent = body(world, f"{method} {path}")
    heard = {who: hear(world, who, method, url, **sent) for who in COLUMNS}
    assert heard == API_ROWS[method, path]


def knock(path, session, origin=b"http://localhost"):
    """101 when the socket opens, else the code that it closes with."""

    headers = [(b"host", b"localhost"), (b"cookie", f"sessionid={session}".encode())]
    if origin:
        headers.append((b"origin", origin))
    scope = {"type": "websocket", "path": f"/{path}", "query_string": b"", "headers": headers}

    async def connect():
        visitor = ApplicationCommunicator(application, {**scope, "subprotocols": []})
        await visitor.send_input({"type": "websocket.connect"})
        answer = await visitor.receive_output(timeout=10)
        await visitor.send_input({"type": "websocket.disconnect", "code": 1000})
        await visitor.wait(timeout=10)
        return 101 if answer["type"] == "websocket.accept" else answer.get("code", 403)

    return async_to_sync(connect)()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("method", "path"), SOCKET_ROWS, ids=spoken)
def test_socket(team, settings, method, path):
    settings.ALLOWED_HOSTS = ["localhost", "testserver"]
    world, sessions = World(team), {}
    for who, person in world.people.items():
        browser = Client()
        if person:
            browser.force_login(person)
            sessions[who] = browser.session.session_key
    heard = {who: knock(path, sessions.get(who, "")) for who in COLUMNS}
    assert heard == SOCKET_ROWS[method, path]
    for origin in (b"http://evil.example", b"null", b""):
        assert knock(path, sessions["owner"], origin) != 101


@pytest.mark.django_db
@pytest.mark.parametrize("name", JOBS.split())
def test_job_does_nothing_for_an_unknown_id(name):
    module, function = name.rsplit(".", 1)
    task = getattr(import_module(module), function)
    task(str(uuid.uuid4()))


@pytest.mark.parametrize(
    "name", ["os.system", "knowledge.tasks.uuid", "builtins.eval", "chat.asking.stop"]
)
def test_function_that_is_not_in_the_table_never_runs_as_a_job(name):
    job = AllowListedJob.__new__(AllowListedJob)
    job._func_name, job._instance = name, None
    with pytest.raises(ForbiddenJob):
        _ = job.func
