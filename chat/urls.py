"""Pages of the chat, experts, adapters and receipts."""

from django.urls import URLPattern

app_name = "chat"
urlpatterns: list[URLPattern] = []
