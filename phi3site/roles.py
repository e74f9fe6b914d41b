"""Who may do what: four roles as groups, each with the permissions that its work needs.

Which collections, experts and answers a person sees is not decided here but by each queryset's
`visible_to`.
"""

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db.models import Q
from django.db.models.signals import post_migrate

EMPLOYEE, CURATOR, ADMIN, AUDITOR = "employee", "curator", "admin", "auditor"

ROLES: dict[str, tuple[str, ...]] = {
    EMPLOYEE: ("chat.ask",),
    CURATOR: ("chat.ask", "knowledge.manage_documents"),
    ADMIN: (
        "chat.ask",
        "chat.manage_experts",
        "knowledge.manage_documents",
        "knowledge.manage_collections",
        "training.manage_training",
        "auth.view_user",
        "auth.add_user",
        "auth.change_user",
        "auth.view_group",
        "auth.add_group",
        "auth.change_group",
    ),
    AUDITOR: ("chat.trace_answers", "audit.view_auditevent"),
}


def connect() -> None:
    """Keeps the roles' permissions in step with this table after every migration."""
    post_migrate.connect(apply_roles, dispatch_uid="phi3site.roles")


def apply_roles(**_: Any) -> None:
    """Creates the role groups and sets exactly the permissions that exist by now."""
    for role, names in ROLES.items():
        group, _created = Group.objects.get_or_create(name=role)
        group.permissions.set(_permissions(names))


def _permissions(names: tuple[str, ...]) -> list[Permission]:
    wanted = Q()
    for name in names:
        app, codename = name.split(".")
        wanted |= Q(content_type__app_label=app, codename=codename)
    return list(Permission.objects.filter(wanted))
