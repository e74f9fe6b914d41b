"""The admin: people and teams, each change an audit event.

What a role may do is fixed in roles.py; here people get roles and teams. Nobody is deleted (their
answers and receipts would go too), only deactivated, and nobody is made a superuser from a page.
"""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from phi3site.audit.recording import record
from phi3site.people import acting, is_last_administrator
from phi3site.roles import ADMIN, ROLES


def to_sign_in(request: HttpRequest, extra_context: Any = None) -> HttpResponse:
    """The admin has no sign-in of its own: the site's has the brakes."""
    if request.user.is_authenticated:
        raise PermissionDenied
    return redirect_to_login(request.GET.get("next", "/admin/"), "sign_in")


admin.site.login = to_sign_in  # type: ignore[method-assign]
admin.site.unregister(User)
admin.site.unregister(Group)


class RecordedAdmin(ModelAdmin):  # type: ignore[misc]
    """Tells the audit log what was added and changed, and by whom."""

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        """A new row."""
        record(f"{obj._meta.model_name}.added", actor=request.user, target=obj)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        """Which fields were changed; the values stay out of the log."""
        details = {"change": message}
        record(f"{obj._meta.model_name}.changed", actor=request.user, target=obj, details=details)
        return super().log_change(request, obj, message)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Whatever the form causes was done by the person at the form."""
        assert isinstance(request.user, User)
        with acting(request.user):
            return super().changeform_view(request, *args, **kwargs)  # type: ignore[no-any-return]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False


class PersonForm(UserChangeForm):  # type: ignore[misc]
    """Refuses what would leave the house without an administrator."""

    def clean(self) -> dict[str, Any]:
        """Looks at the two fields that can take the role away."""
        cleaned: dict[str, Any] = super().clean()
        roles = {group.name for group in cleaned.get("groups", ())}
        stays = cleaned.get("is_active") and (ADMIN in roles or self.instance.is_superuser)
        if not stays and is_last_administrator(self.instance):
            raise forms.ValidationError(
                "This is the last administrator. Give someone else the role first.",
                code="last_administrator",
            )
        return cleaned


@admin.register(User)
class PersonAdmin(RecordedAdmin, DjangoUserAdmin):  # type: ignore[type-arg]
    """People: name, password, whether they may sign in, roles and teams."""

    form = PersonForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "first_name", "last_name", "email", "is_active", "last_login")
    list_filter = ("is_active", "groups")
    filter_horizontal = ("groups",)
    add_fieldsets = DjangoUserAdmin.add_fieldsets
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("Roles and teams", {"fields": ("is_active", "groups")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Superusers change superusers: else their password would be anybody's to set."""
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return False
        return bool(super().has_change_permission(request, obj))


@admin.register(Group)
class TeamAdmin(RecordedAdmin, DjangoGroupAdmin):
    """Teams: names that collections and experts open themselves to."""

    fields = ("name",)

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        """Role groups keep their names."""
        if obj is not None and obj.name in ROLES:
            return False
        return bool(super().has_change_permission(request, obj))
