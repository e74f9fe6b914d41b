"""The administrator's pages of datasets that are made: of documents, of people's feedback."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from training.dataset_forms import DocumentsForm
from training.errors import DatasetRefused
from training.feedback import collect_feedback
from training.making import request_dataset
from training.views import trainer_view


@require_http_methods(["GET", "HEAD", "POST"])
@trainer_view
def from_documents(request: HttpRequest) -> HttpResponse:
    """Which documents a dataset is made of; the page of the dataset then tells how far it is."""
    sent = request.POST if request.method == "POST" else None
    form = DocumentsForm(sent, user=request.user)
    if sent is not None and form.is_valid():
        values: dict[str, Any] = form.cleaned_data
        try:
            return redirect(request_dataset(actor=request.user, **values))
        except DatasetRefused as error:
            form.add_error(None, error.message)
    status = 422 if form.is_bound else 200
    return render(request, "training/from_documents.html", {"form": form}, status=status)


@require_POST
@trainer_view
def from_feedback(request: HttpRequest) -> HttpResponse:
    """A dataset of what people approved and corrected, to be reviewed."""
    name = request.POST.get("name", "").strip()[:120] or "Feedback"
    dataset = collect_feedback(name, actor=request.user)
    messages.success(request, f"{dataset} waits for a review of its {dataset.report['waiting']}.")
    return redirect(dataset)
