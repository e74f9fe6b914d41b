"""Roles carry exactly the permissions of their table."""

import pytest
from django.contrib.auth.models import Group, Permission

from phi3site.roles import ADMIN, AUDITOR, CURATOR, EMPLOYEE, ROLES, apply_roles

pytestmark = pytest.mark.django_db
WRITES = ("add_", "change_", "delete_", "manage_", "ask")


def held(role):
    pairs = Group.objects.get(name=role).permissions.values_list(
        "content_type__app_label", "codename"
    )
    return {f"{app}.{name}" for app, name in pairs}


@pytest.mark.parametrize("role", ROLES)
def test_role_has_its_permissions_after_migration(role):
    assert held(role) == set(ROLES[role])


def test_every_name_in_the_table_is_a_permission():
    known = {
        f"{permission.content_type.app_label}.{permission.codename}"
        for permission in Permission.objects.select_related("content_type")
    }
    assert {name for names in ROLES.values() for name in names} <= known


def test_what_was_changed_by_hand_is_set_right_again():
    group = Group.objects.get(name=EMPLOYEE)
    group.permissions.add(Permission.objects.get(codename="trace_answers"))
    apply_roles()
    assert held(EMPLOYEE) == set(ROLES[EMPLOYEE])


def test_auditor_only_reads():
    assert not [name for name in held(AUDITOR) if name.split(".")[1].startswith(WRITES)]


def test_admin_is_no_auditor():
    assert not held(ADMIN) & held(AUDITOR)


def test_each_step_up_keeps_what_the_one_below_may_do():
    assert held(EMPLOYEE) < held(CURATOR) < held(ADMIN)


def test_nobody_may_delete_people_or_write_events():
    for role in ROLES:
        names = held(role)
        assert "auth.delete_user" not in names
        assert not {"audit.add_auditevent", "audit.change_auditevent"} & names
