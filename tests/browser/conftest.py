"""A headless Chromium, the real site behind it, and people who are signed in.

Browser tests touch no model of Django's: what they need is seeded by processes of the site, and
what they find they find on the page.
"""

import os
import shutil

import pytest
from django.conf import settings
from playwright.sync_api import expect

from tests.browser.live import LiveSite, create_database, empty_valkey, other_database, other_valkey
from tests.browser.model_server import ModelServer

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 60_000
expect.set_options(timeout=PATIENCE)
# What a browser says about a server that a test stopped on purpose.
EXPECTED = ("WebSocket connection to", "ERR_CONNECTION_REFUSED")


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/browser/" in item.nodeid:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package")
def chromium():
    """One browser for all pages; closed with the last browser test, because Playwright's loop
    would be in the way of other tests' loops."""
    from playwright.sync_api import sync_playwright

    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None and not os.environ.get("CI"):
        pytest.skip("no Chromium on this machine: the pages are not tried in a browser")
    assert found, "CI must run the browser tests: install Debian's chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def model():
    """The model server that the site's engine asks; a test says the words."""
    server = ModelServer()
    yield server
    server.close()


@pytest.fixture(scope="package")
def site(tmp_path_factory, chromium, model):
    """The web process with seeded people, a document and an expert; no engine yet. Nothing of it
    is started where there is no browser to look at it."""
    configured = os.environ["DATABASE_URL"]
    base = os.environ.get("TEST_DATABASE_NAME") or f"test_{settings.DATABASES['default']['NAME']}"
    name = f"{base.removesuffix('_browser')}_browser"
    create_database(configured, name)
    site = LiveSite(
        tmp_path_factory.mktemp("site"),
        other_database(configured, name),
        other_valkey(os.environ["REDIS_URL"]),
        CHAT_ENGINE="remote",
        CHAT_ENGINE_URL=model.url,
        BASE_MODEL="played",
    )
    try:
        empty_valkey(site.env["REDIS_URL"])
        site.command("migrate", "--verbosity", "0")
        site.command("collectstatic", "--noinput", "--verbosity", "0")
        site.run("tests.browser.seed")
        site.start_web()
        yield site
    finally:
        site.close()


def sign_in(page, person):
    page.goto("/sign-in/")
    page.get_by_label("Username").fill(person)
    page.get_by_label("Password").fill(f"{person}-password")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/sign-in/" not in url)


@pytest.fixture(scope="package")
def _sessions(site, chromium):
    """Cookies by person: signing in once is enough."""
    known = {}

    def state_of(person):
        if person not in known:
            context = chromium.new_context(base_url=site.url)
            sign_in(context.new_page(), person)
            known[person] = context.storage_state()
            context.close()
        return known[person]

    return state_of


@pytest.fixture
def open_as(site, chromium, _sessions):
    """open_as("alice", "/chat/") → a page; fails the test on any error in the console, a breach
    of the content policy among them."""
    contexts, problems = [], []

    def open_page(
        person,
        path,
        *,
        width=1280,
        height=800,
        theme="light",
        javascript=True,
        prepare=None,
        expect_errors=False,
    ):
        context = chromium.new_context(
            base_url=site.url,
            storage_state=_sessions(person),
            viewport={"width": width, "height": height},
            color_scheme=theme,
            reduced_motion="reduce",
            java_script_enabled=javascript,
        )
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        if not expect_errors:
            page.on("console", note)
        if prepare:
            prepare(page)
        page.goto(path)
        return page

    def note(message):
        if message.type == "error" and not any(word in message.text for word in EXPECTED):
            problems.append(message.text)

    yield open_page
    for context in contexts:
        context.close()
    assert not problems
