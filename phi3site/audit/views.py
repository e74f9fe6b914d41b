"""The auditor's pages of the log: search it, verify it."""

from django.contrib.auth.decorators import login_required, permission_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from phi3site.audit.forms import LogFilter
from phi3site.audit.models import AuditEvent
from phi3site.audit.recording import record
from phi3site.audit.verifying import verify

PAGE_SIZE = 50
MAY_VIEW = "audit.view_auditevent"


@login_required
@permission_required(MAY_VIEW, raise_exception=True)
@require_GET
def log(request: HttpRequest) -> HttpResponse:
    """The events, newest first, narrowed by the filter; htmx gets the table alone."""
    form = LogFilter(request.GET)
    page = Paginator(form.events(), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"form": form, "page": page, "head": AuditEvent.objects.first()}
    is_partial = request.headers.get("HX-Target") == "events"
    return render(request, "audit/_events.html" if is_partial else "audit/log.html", context)


@login_required
@permission_required(MAY_VIEW, raise_exception=True)
@require_http_methods(["GET", "POST"])
def verify_log(request: HttpRequest) -> HttpResponse:
    """Walks the chain and says what it found; that somebody looked is an event too."""
    if request.method == "GET":
        return redirect("audit:log")
    report = verify()
    details = {"events": report.chain.events, "intact": report.is_intact}
    record("audit.verified", actor=request.user, details=details)
    is_partial = request.headers.get("HX-Target") == "report"
    template = "audit/_report.html" if is_partial else "audit/report.html"
    response = render(request, template, {"report": report})
    # The log's table asks for itself again: it shows the new event at once.
    response["HX-Trigger"] = "log-grew"
    return response
