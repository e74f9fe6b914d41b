"""Socket routes of the chat."""

from typing import Any

from django.urls import path

from chat.consumers import ChatConsumer

# `path` is annotated for views alone; Channels routes ASGI applications by it.
chat_socket: Any = ChatConsumer.as_asgi()
websocket_urlpatterns = [path("ws/chat/", chat_socket)]
