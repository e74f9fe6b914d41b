"""The ingestion queue on the pages: its pause, and who goes first."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from knowledge import line
from knowledge.act_views import find_version
from knowledge.models import MANAGE_ALL
from knowledge.views import back, curator_view


@require_POST
@curator_view
@permission_required(MANAGE_ALL, raise_exception=True)
def pause(request: HttpRequest) -> HttpResponse:
    """Begins nothing new, for all collections."""
    line.pause(actor=request.user)
    messages.success(request, "The queue is paused. What is being read now is finished.")
    return back(request)


@require_POST
@curator_view
@permission_required(MANAGE_ALL, raise_exception=True)
def resume(request: HttpRequest) -> HttpResponse:
    """Goes on."""
    line.resume(actor=request.user)
    messages.success(request, "The queue goes on.")
    return back(request)


@require_POST
@curator_view
def put_first(request: HttpRequest, version_id: UUID) -> HttpResponse:
    """Reads a waiting version next."""
    line.put_first(find_version(request, version_id), actor=request.user)
    return back(request)
