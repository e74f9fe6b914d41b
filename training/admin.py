"""Datasets and runs in Django's admin: to look at, not to change; acts go through the console."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from training.models import Dataset, Run


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[misc]  # unfold is untyped
    """For those who may train; nothing can be changed around the audit log."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """As on the console's pages."""
        return request.user.has_perm("training.manage_training")

    def has_module_permission(self, request: HttpRequest) -> bool:
        """As above."""
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never here."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never here."""
        return False


@admin.register(Dataset)
class DatasetAdmin(ReadOnlyAdmin):
    """Datasets by name."""

    list_display = ("name", "version", "filename", "created_by", "created_at")
    search_fields = ("name", "filename", "sha256")


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    """Runs by state."""

    list_display = ("name", "status", "step", "total_steps", "dataset", "created_at")
    list_filter = ("status",)
    search_fields = ("name", "error")
