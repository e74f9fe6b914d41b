"""Every page that a person can reach from the navigation, on a phone and a desk, light and dark."""

import io
import zipfile

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import sign_in
from tests.browser.looks import faults

SIZES = {"phone": (360, 740), "desk": (1280, 800)}
LINKS = "[...document.querySelectorAll('.topnav a, .rail a, .tabs a')].map((a) => a.pathname)"
ROLES = ("alice", "carla", "adam", "audrey")


def reachable(page):
    """Addresses of the navigation, and of the rails and tabs that they lead to."""
    known = [page.evaluate("location.pathname")]
    for path in known:
        page.goto(path)
        new = dict.fromkeys(page.evaluate(LINKS))
        known += [path for path in new if path not in known and not path.startswith("/admin/")]
    return known


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("person", ROLES)
def test_pages_fit_can_be_read_and_name_their_parts(open_as, person, size, theme):
    width, height = SIZES[size]
    page = open_as(person, "/", width=width, height=height, theme=theme)
    wrong = {}
    paths = reachable(page)
    for path in paths:
        response = page.goto(path)
        found = faults(page) if response.ok else [f"status {response.status}"]
        if found:
            wrong[path] = found
    assert not wrong
    assert len(paths) >= {"alice": 1, "carla": 4, "adam": 8, "audrey": 2}[person]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_sign_in_and_error_pages_are_readable(site, chromium, open_as, theme):
    page = open_as("alice", "/nowhere/", theme=theme, width=360, expect_errors=True)
    expect(page.get_by_role("heading", name="Nothing here for you")).to_be_visible()
    assert not faults(page)
    page.goto("/console/")
    expect(page.get_by_role("heading", name="This page is not for your role")).to_be_visible()
    assert not faults(page)
    page.context.clear_cookies()
    page.goto("/chat/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert not faults(page)


def test_the_theme_is_remembered_and_set_before_the_page_is_painted(open_as):
    page = open_as("alice", "/chat/", theme="light")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    page.get_by_role("button", name="Switch between light and dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_a_refused_sign_in_says_what_to_do(open_as):
    page = open_as("alice", "/chat/")
    page.context.clear_cookies()
    page.goto("/sign-in/")
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("correct username and password")
    assert not faults(page)


def test_the_account_menu_signs_out(open_as):
    page = open_as("mallory", "/chat/")
    page.context.clear_cookies()
    sign_in(page, "mallory")
    page.get_by_label("Your account: mallory").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto("/chat/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_phone_opens_and_closes_its_drawer(open_as):
    page = open_as("adam", "/console/", width=360)
    rail = page.get_by_role("navigation", name="Console")
    expect(rail).to_be_hidden()
    page.get_by_role("button", name="Open the console's menu").click()
    expect(rail.get_by_role("link", name="Documents")).to_be_visible()
    page.keyboard.press("Escape")
    expect(rail).to_be_hidden()


def test_a_phone_shows_each_area_by_its_whole_name(open_as):
    page = open_as("adam", "/console/", width=360)
    areas = page.get_by_role("navigation", name="Areas")
    for name in ("Chat", "Console", "Admin"):
        box = areas.get_by_role("link", name=name).bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= areas.bounding_box()["x"] + areas.bounding_box()["width"]


def test_a_fold_opens_for_a_field_that_the_browser_refuses(open_as):
    page = open_as("bob", "/chat/")
    page.evaluate(
        """() => document.body.insertAdjacentHTML("beforeend", `<form id="probe"><details>
        <summary>More</summary><input aria-label="Hidden" required></details>
        <button>Try</button></form>`)"""
    )
    page.locator("#probe button").evaluate("button => button.click()")
    expect(page.get_by_label("Hidden")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_collection_is_deleted_and_a_zip_is_followed_on_a_phone(open_as, theme):
    page = open_as("adam", "/console/collections/", theme=theme, width=360)
    page.locator("tbody th a").first.click()
    page.get_by_role("link", name="Delete …").click()
    expect(page.get_by_text("What rests on it")).to_be_visible()
    assert not faults(page)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("manuals/pump.md", "The seal kit is SK-17.")
    page.goto("/console/documents/")
    page.locator("select[name=collection]").first.select_option(index=1)
    file = {"name": "files.zip", "mimeType": "application/zip", "buffer": packed.getvalue()}
    page.locator("input[type=file]").set_input_files(file)
    page.wait_for_url("**/console/zips/**")
    expect(page.get_by_role("heading", name="files.zip")).to_be_visible()
    assert not faults(page)
    # Nobody is to find its words in another test.
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Cancelled: the files that were taken before stay.")).to_be_visible()
