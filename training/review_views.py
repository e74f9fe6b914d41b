"""The administrator's acts on examples: accept, reject, edit; a used dataset is opened again."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from training.browsing import beside, listed
from training.dataset_forms import TurnsForm
from training.errors import DatasetRefused, StateConflict
from training.models import Dataset, Example
from training.reviewing import decide, edit, revise
from training.views import trainer_view


@require_POST
@trainer_view
def review(request: HttpRequest, dataset_id: UUID) -> HttpResponse:
    """A decision on one line, then the next of the list; or on all that wait."""
    found = get_object_or_404(Dataset, pk=dataset_id)
    visible = Example.objects.visible_to(request.user).filter(dataset=found)
    decision, line = request.POST.get("decision", ""), request.POST.get("line", "")
    if not line:
        count = _settle(request, found, visible.filter(state=Example.State.CANDIDATE), decision)
        messages.success(request, f"{count:,} {decision}.")
        return redirect(found)
    place = int(line) if line.isascii() and line.isdecimal() and len(line) < 10 else 0
    example = get_object_or_404(visible, line=place)
    shown = request.POST.get("show", "all")
    after = beside(example, listed(visible, shown))["next"]
    _settle(request, found, visible.filter(pk=example.pk), decision)
    if after is None:
        messages.success(request, "That was the last of this list.")
        return redirect(found)
    return redirect(_address(found.pk, after, shown))


def _settle(request: HttpRequest, found: Dataset, examples: Any, decision: str) -> int:
    try:
        return decide(found, examples, decision, actor=request.user)
    except (StateConflict, DatasetRefused) as error:
        messages.error(request, error.message)
        return 0


@require_http_methods(["GET", "HEAD", "POST"])
@trainer_view
def edit_example(request: HttpRequest, dataset_id: UUID, line: int) -> HttpResponse:
    """Other words for an example."""
    visible = Example.objects.visible_to(request.user).select_related("dataset")
    found = get_object_or_404(visible, dataset=dataset_id, line=line)
    shown = request.GET.get("show", "all")
    sent = request.POST if request.method == "POST" else None
    form = TurnsForm(sent, turns=found.messages)
    if sent is not None and form.is_valid():
        try:
            edit(found, form.contents, actor=request.user)
        except (DatasetRefused, StateConflict) as error:
            form.add_error(None, error.message)
        else:
            return redirect(_address(dataset_id, line, shown))
    context = {"example": found, "form": form, "shown": shown}
    status = 422 if form.is_bound else 200
    return render(request, "training/edit_example.html", context, status=status)


@require_POST
@trainer_view
def revise_dataset(request: HttpRequest, dataset_id: UUID) -> HttpResponse:
    """A new version that can be changed."""
    found = get_object_or_404(Dataset, pk=dataset_id)
    copy = revise(found, actor=request.user)
    messages.success(request, f"{copy} has the examples of {found} and can be changed.")
    return redirect(copy)


def _address(dataset_id: UUID, line: int, shown: str) -> str:
    query = QueryDict(mutable=True)
    query["show"] = shown
    return f"{reverse('training:example', args=[dataset_id, line])}?{query.urlencode()}"
