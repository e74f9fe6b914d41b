"""Collections and documents in Django's admin: to look at; acts go through the console."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from knowledge.models import MANAGE_ALL, Collection, Document, DocumentVersion, Encoder


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[misc]  # unfold is untyped
    """For those who manage collections; nothing can be changed around the audit log."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """As on the console's pages."""
        return request.user.has_perm(MANAGE_ALL)

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


@admin.register(Collection)
class CollectionAdmin(ReadOnlyAdmin):
    """Collections by name."""

    list_display = ("name", "description", "state", "created_at")
    search_fields = ("name",)

    def get_queryset(self, request: HttpRequest) -> Any:
        """Without what people keep for themselves."""
        return super().get_queryset(request).filter(is_private=False)


@admin.register(Document)
class DocumentAdmin(ReadOnlyAdmin):
    """Documents by title, those in the trash too."""

    list_display = ("title", "collection", "state", "owner", "created_at")
    list_filter = ("state",)
    search_fields = ("title",)

    def get_queryset(self, request: HttpRequest) -> Any:
        """Without what people keep for themselves."""
        return super().get_queryset(request).filter(collection__is_private=False)


@admin.register(DocumentVersion)
class DocumentVersionAdmin(ReadOnlyAdmin):
    """Versions by state."""

    list_display = ("document", "number", "status", "chunk_count", "attempt", "uploaded_at")
    list_filter = ("status", "media_type")
    search_fields = ("document__title", "filename", "sha256", "error")


@admin.register(Encoder)
class EncoderAdmin(ReadOnlyAdmin):
    """Which encoder made the vectors."""

    list_display = ("name", "revision", "dimensions", "state", "created_at")
