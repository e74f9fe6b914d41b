"""One shape for every error under /api/ and /v1/: `{"code", "message"}`, whoever refused.

The operations' own errors are mapped in api.py; here is what never reaches an operation: unknown
paths, wrong methods, failed CSRF checks, oversized bodies, surprises.
"""

import logging
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse

logger = logging.getLogger(__name__)

PREFIXES = ("/api/", "/v1/")
WORDS = {
    400: ("bad_request", "The request can't be read. Check its form and its host name."),
    401: ("not_signed_in", "Sign in first."),
    403: ("forbidden", "Your role does not allow this, or the CSRF token is missing."),
    404: ("not_found", "There is nothing at this address for you."),
    405: ("method_not_allowed", "This address does not take that method."),
    413: ("too_large", "The request is too large."),
    429: ("too_many_requests", "Too many requests. Wait a little, then try again."),
    503: ("unavailable", "The site is busy. Try again in a moment."),
}
OTHERS = ("error", "The request failed.")


class ApiErrorsMiddleware:
    """Replaces error pages by JSON under the API's addresses."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        is_page = "json" not in response.headers.get("Content-Type", "")
        if response.status_code < 400 or not is_page or not request.path.startswith(PREFIXES):
            return response
        return _as_json(response)


def _as_json(response: HttpResponse) -> JsonResponse:
    if response.status_code == 500:
        return internal_error()
    code, message = WORDS.get(response.status_code, OTHERS)
    answer = JsonResponse({"code": code, "message": message}, status=response.status_code)
    for header in ("Allow", "Retry-After"):
        if header in response.headers:
            answer.headers[header] = response.headers[header]
    return answer


def internal_error() -> JsonResponse:
    """A generic text and an id that stands in the log beside the traceback."""
    error_id = uuid.uuid4().hex[:12]
    logger.error("API error %s: see the traceback before this line", error_id)
    message = f"Something went wrong on our side. Tell your administrator the id {error_id}."
    body = {"code": "internal_error", "message": message, "id": error_id}
    return JsonResponse(body, status=500)
