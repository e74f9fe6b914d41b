"""People and teams in the admin: what changes, who may, and that the log hears of it."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.hashers import identify_hasher, make_password
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client

from phi3site import settings as site_settings
from phi3site.audit.models import AuditEvent
from phi3site.people import administrators
from tests.conftest import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client, admin):
    client.force_login(admin)
    return client


def change(browser, user, *, groups=None, **fields):
    if groups is None:
        groups = user.groups.all()
    form = {
        "username": user.username,
        "first_name": "",
        "last_name": "",
        "email": "",
        "groups": [group.pk for group in groups],
        **({"is_active": "on"} if fields.pop("is_active", True) else {}),
        **fields,
    }
    return browser.post(f"/admin/auth/user/{user.pk}/change/", form)


def events(action):
    return [(e.actor_name, e.target_id, e.facts) for e in AuditEvent.objects.filter(action=action)]


@pytest.mark.parametrize(
    "path",
    ["", "auth/user/", "auth/user/add/", "auth/group/", "auth/group/add/"],
)
def test_pages_open_for_the_admin(desk, path):
    assert desk.get(f"/admin/{path}").status_code == 200


@pytest.mark.parametrize("name", ["alice", "curator", "auditor"])
def test_nobody_else_gets_in(client, request, name):
    client.force_login(request.getfixturevalue(name))
    assert client.get("/admin/", follow=True).status_code == 403


def test_person_gets_a_role_and_the_log_tells_who_gave_it(desk, admin, alice):
    curators = Group.objects.get(name="curator")
    assert change(desk, alice, groups=[*alice.groups.all(), curators]).status_code == 302
    joined = events("group.joined")[0]
    assert joined == ("adam", str(alice.pk), {"group": "curator"})
    assert events("user.changed")[0][:2] == ("adam", str(alice.pk))


def test_person_loses_a_role_and_the_log_tells_it(desk, alice):
    change(desk, alice, groups=[])
    assert {facts["group"] for _, _, facts in events("group.left")} == {"employee", "Service team"}


def test_membership_changed_from_the_other_side_is_recorded_too(alice, team):
    team.user_set.remove(alice)
    assert events("group.left") == [("", str(alice.pk), {"group": team.name})]
    team.user_set.add(alice)
    alice.groups.clear()
    assert len(events("group.left")) == 3


def test_new_person_is_an_event_and_gets_an_argon2_password(desk, settings):
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.Argon2PasswordHasher",
        "django.contrib.auth.hashers.MD5PasswordHasher",
    ]
    form = {"username": "nina", "password1": "kiln-otter-91", "password2": "kiln-otter-91"}
    assert desk.post("/admin/auth/user/add/", form).status_code == 302
    nina = User.objects.get(username="nina")
    assert identify_hasher(nina.password).algorithm == "argon2"
    assert events("user.added")[0][:2] == ("adam", str(nina.pk))


def test_password_set_by_the_admin_is_an_event_without_the_password(desk, alice):
    form = {"password1": "kiln-otter-91", "password2": "kiln-otter-91"}
    assert desk.post(f"/admin/auth/user/{alice.pk}/password/", form).status_code == 302
    assert events("user.changed")[0][:2] == ("adam", str(alice.pk))
    assert "kiln" not in "".join(AuditEvent.objects.values_list("details", flat=True))


def test_passwords_are_hashed_by_argon2_unless_a_test_says_otherwise(settings):
    settings.PASSWORD_HASHERS = site_settings.PASSWORD_HASHERS
    assert make_password("kiln-otter-91").startswith("argon2$argon2id$")


def test_admin_role_opens_the_admin_and_its_loss_closes_it(desk, alice):
    admins = Group.objects.get(name="admin")
    change(desk, alice, groups=[admins])
    alice.refresh_from_db()
    assert alice.is_staff
    change(desk, alice, groups=[])
    alice.refresh_from_db()
    assert not alice.is_staff


def test_nobody_becomes_superuser_or_gets_single_permissions_from_a_form(desk, alice):
    permissions = {"is_superuser": "on", "is_staff": "on", "user_permissions": ["1", "2"]}
    assert change(desk, alice, **permissions).status_code == 302
    alice.refresh_from_db()
    assert not alice.is_superuser
    assert not alice.is_staff
    assert not alice.user_permissions.exists()


def test_superuser_is_out_of_an_admins_reach(desk):
    root = User.objects.create_superuser("root")
    assert change(desk, root, is_active=False).status_code == 403
    assert desk.post(f"/admin/auth/user/{root.pk}/password/").status_code == 403


@pytest.mark.parametrize("thing", ["user", "group"])
def test_nothing_is_deleted(desk, alice, team, thing):
    pk = alice.pk if thing == "user" else team.pk
    assert desk.post(f"/admin/auth/{thing}/{pk}/delete/", {"post": "yes"}).status_code == 403


def test_role_groups_keep_their_names_and_teams_are_made_and_renamed(desk, team):
    role = Group.objects.get(name="employee")
    assert desk.post(f"/admin/auth/group/{role.pk}/change/", {"name": "x"}).status_code == 403
    assert desk.post("/admin/auth/group/add/", {"name": "Sales"}).status_code == 302
    rename = desk.post(f"/admin/auth/group/{team.pk}/change/", {"name": "Field service"})
    assert rename.status_code == 302
    assert [facts[1] for facts in events("group.changed")] == [str(team.pk)]


def test_last_administrator_stays(desk, admin):
    for loss in ({"groups": []}, {"is_active": False}):
        page = change(desk, admin, **loss)
        assert page.status_code == 200
        assert "last administrator" in page.content.decode()
    assert list(administrators()) == [admin]


def test_one_of_two_administrators_may_go(desk, admin):
    second = make_user("ada", "admin")
    assert change(desk, second, groups=[]).status_code == 302
    assert list(administrators()) == [admin]


@pytest.mark.django_db(transaction=True)
def test_two_administrators_who_demote_each_other_leave_one():
    pair = [make_user(name, "admin") for name in ("ada", "adam")]

    def demote_the_other(number):
        try:
            browser = Client()
            browser.force_login(pair[number])
            return change(browser, pair[1 - number], groups=[]).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(demote_the_other, range(2)))
    assert administrators().count() == 1
