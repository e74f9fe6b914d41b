"""The one API: authentication by default, and our errors as JSON, mapped once.

Operations live in each app's api.py over the same functions as its pages.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.security import SessionAuth

from chat.errors import ChatError
from knowledge.errors import KnowledgeError
from phi3site.api_errors import OTHERS, WORDS
from training.errors import TrainingError

# By kind of error; a more exact code of a single error doesn't change its status.
STATUS = {
    "forbidden": 403,
    "not_found": 404,
    "state_conflict": 409,
    "storage_full": 507,
    "upload_too_large": 413,
}


class SignedIn(SessionAuth):
    """The session of the pages. Strangers hear 401 before anything else is looked at."""

    def __call__(self, request: HttpRequest) -> Any:
        """The user, or None; a CSRF token is asked of those who are signed in."""
        return super().__call__(request) if request.user.is_authenticated else None


def for_signed_in(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The description of the API is for people of the house too."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return _refused(request, 401)
        return view(request, *args, **kwargs)

    return wrapped


api = NinjaAPI(
    title="Phi-3 expert", version="1", auth=SignedIn(), docs_url=None, docs_decorator=for_signed_in
)


def _error(request: HttpRequest, code: str, message: str, status: int) -> HttpResponse:
    return api.create_response(request, {"code": code, "message": message}, status=status)


def _ours(request: HttpRequest, error: KnowledgeError | ChatError | TrainingError) -> HttpResponse:
    return _error(request, error.code, error.message, STATUS.get(type(error).code, 422))


def _refused(request: HttpRequest, status: int) -> HttpResponse:
    code, message = WORDS.get(status, OTHERS)
    return _error(request, code, message, status)


@api.exception_handler(HttpError)
def _http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    return _refused(request, error.status_code)


@api.exception_handler(Http404)
def _missing(request: HttpRequest, error: Http404) -> HttpResponse:
    return _refused(request, 404)


@api.exception_handler(PermissionDenied)
def _forbidden(request: HttpRequest, error: PermissionDenied) -> HttpResponse:
    return _refused(request, 403)


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """Names each field that can't be read; what was sent is not echoed."""
    errors = [
        {"field": ".".join(str(part) for part in item["loc"][1:]), "message": str(item["msg"])}
        for item in error.errors
    ]
    named = "; ".join(f"{item['field'] or 'request'}: {item['message']}" for item in errors[:5])
    body = {"code": "invalid", "message": f"Can't be read: {named}", "errors": errors}
    return api.create_response(request, body, status=422)


for kind in (KnowledgeError, ChatError, TrainingError):
    api.exception_handler(kind)(_ours)

api.add_router("", "knowledge.api.router")
api.add_router("", "knowledge.collection_api.router")
api.add_router("", "knowledge.queue_api.router")
api.add_router("", "knowledge.chunk_api.router")
api.add_router("", "chat.api.router")
api.add_router("", "chat.sharing_api.router")
api.add_router("", "chat.attachment_api.router")
api.add_router("", "training.api.router")
api.add_router("", "training.dataset_api.router")
