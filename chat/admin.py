"""Experts and adapters in the admin, to look at; changing them is the console's affair.

Conversations and answers are not here: an administrator is no auditor.
"""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from chat.models import Adapter, Expert


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[misc]
    """Shows rows to those who manage experts; changes none."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether it stands in the list."""
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who manages experts."""
        return request.user.has_perm("chat.manage_experts")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody, here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody, here."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody: answers and receipts name them."""
        return False


@admin.register(Expert)
class ExpertAdmin(ReadOnlyAdmin):
    """What employees pick."""

    list_display = ("name", "live_version", "is_archived", "created_at")
    search_fields = ("name",)


@admin.register(Adapter)
class AdapterAdmin(ReadOnlyAdmin):
    """What the engine can load."""

    list_display = ("name", "version", "state", "base_model", "method", "rank", "created_at")
    search_fields = ("name", "base_model")
