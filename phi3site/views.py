"""Pages of the site itself: where a person lands, and the console's overview."""

from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from phi3site.overview import overview_for


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Sends each person to the page of their work."""
    if request.user.has_perm("chat.ask"):
        return redirect("chat:home")
    if request.user.has_perm("chat.trace_answers"):
        return redirect("chat:traces")
    return redirect("overview")


@login_required
@permission_required("knowledge.manage_documents", raise_exception=True)
def overview(request: HttpRequest) -> HttpResponse:
    """What needs a person now."""
    context = {"overview": overview_for(request.user)}
    return render(request, "phi3site/overview.html", context)
