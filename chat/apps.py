"""The chat app."""

from django.apps import AppConfig


class ChatConfig(AppConfig):
    """Registers the app."""

    name = "chat"
