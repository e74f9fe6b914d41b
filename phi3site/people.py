"""People and their roles, told to the audit log: who gave whom which group, by any way.

Also keeps `is_staff` (who may open the admin) in step with the admin role, and at least one
active administrator in the house.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.contrib.auth.models import Group, Permission, User
from django.db.models import Q, QuerySet
from django.db.models.signals import m2m_changed

from phi3site.audit.recording import record
from phi3site.roles import ADMIN

# Who acts in this thread or task, where a page knows it; signals carry no request.
_actor: ContextVar[User | None] = ContextVar("actor", default=None)

WORDS = {"post_add": "joined", "post_remove": "left", "pre_clear": "left"}


@contextmanager
def acting(user: User) -> Iterator[None]:
    """What happens inside was done by that person."""
    token = _actor.set(user)
    try:
        yield
    finally:
        _actor.reset(token)


def connect() -> None:
    """Listens to every change of membership and of what groups may do."""
    m2m_changed.connect(_membership, User.groups.through, dispatch_uid="phi3site.membership")
    m2m_changed.connect(_powers, User.user_permissions.through, dispatch_uid="phi3site.own_powers")
    m2m_changed.connect(_powers, Group.permissions.through, dispatch_uid="phi3site.group_powers")


def administrators() -> "QuerySet[User]":
    """People who are able to open the admin and change roles."""
    return User.objects.filter(Q(groups__name=ADMIN) | Q(is_superuser=True), is_active=True)


def is_last_administrator(user: User) -> bool:
    """Whether nobody else could give the role back. Holds other such questions until the commit."""
    list(Group.objects.select_for_update().filter(name=ADMIN))
    rest = administrators().exclude(pk=user.pk)
    return administrators().filter(pk=user.pk).exists() and not rest.exists()


def _membership(
    instance: Any, action: str, reverse: bool, pk_set: set[int] | None, **_: Any
) -> None:
    if action not in WORDS:
        return
    for user, group in _pairs(instance, reverse, pk_set):
        details = {"group": group.name}
        record(f"group.{WORDS[action]}", actor=_actor.get(), target=user, details=details)
        if group.name == ADMIN:
            joined = action == "post_add"
            User.objects.filter(pk=user.pk).update(is_staff=joined or user.is_superuser)


def _pairs(instance: Any, reverse: bool, pk_set: set[int] | None) -> Iterator[tuple[User, Group]]:
    """Users and groups of one change; a clear names none and means all."""
    if reverse:
        users = instance.user_set.all() if pk_set is None else User.objects.filter(pk__in=pk_set)
        yield from ((user, instance) for user in users)
    else:
        groups = instance.groups.all() if pk_set is None else Group.objects.filter(pk__in=pk_set)
        yield from ((instance, group) for group in groups)


def _powers(instance: Any, action: str, reverse: bool, pk_set: set[int] | None, **_: Any) -> None:
    """Permissions that a person gives to a group or to someone; roles set by a migration aren't."""
    actor = _actor.get()
    if actor is None or action not in WORDS or reverse or pk_set is None:
        return
    names = Permission.objects.filter(pk__in=pk_set).order_by("codename")
    details = {"permissions": list(names.values_list("codename", flat=True))}
    word = "given" if action == "post_add" else "taken"
    record(f"permission.{word}", actor=actor, target=instance, details=details)
