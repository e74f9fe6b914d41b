"""The one API: authentication by default, and our errors as JSON, mapped once.

Operations live in each app's api.py over the same functions as its pages.
"""

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.security import django_auth

from chat.errors import ChatError
from knowledge.errors import KnowledgeError
from training.errors import TrainingError

STATUS = {
    "not_found": 404,
    "state_conflict": 409,
    "storage_full": 507,
    "upload_too_large": 413,
}

api = NinjaAPI(title="Phi-3 expert", version="1", auth=django_auth, docs_url=None)


def _error(request: HttpRequest, code: str, message: str, status: int) -> HttpResponse:
    return api.create_response(request, {"code": code, "message": message}, status=status)


def _ours(request: HttpRequest, error: KnowledgeError | ChatError | TrainingError) -> HttpResponse:
    return _error(request, error.code, error.message, STATUS.get(error.code, 422))


for kind in (KnowledgeError, ChatError, TrainingError):
    api.exception_handler(kind)(_ours)
