"""One act on all documents that are ticked in the list, and what became of each."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from knowledge import versions
from knowledge.detail_forms import BulkForm
from knowledge.errors import KnowledgeError
from knowledge.filing import as_labels, label, move
from knowledge.models import Document, DocumentVersion
from knowledge.views import back, curator_view

Status = DocumentVersion.Status
# Act -> what is said afterwards of the documents that it was done to.
SAID = {
    "read_again": "queued to be read again",
    "label": "labelled",
    "move": "moved",
    "trash": "deleted",
    "restore": "restored",
}
REFUSALS_SHOWN = 5


@require_POST
@curator_view
def bulk(request: HttpRequest) -> HttpResponse:
    """Each document by itself: one that can't be changed doesn't hold back the others."""
    form = BulkForm(request.POST, user=request.user)
    if not form.is_valid():
        for errors in form.errors.values():
            messages.error(request, " ".join(str(error) for error in errors))
        return back(request)
    act = _act(form.cleaned_data, request.user)
    done, refusals = 0, []
    for document in form.cleaned_data["documents"]:
        try:
            act(document)
            done += 1
        except KnowledgeError as error:
            refusals.append(f"“{document.title}”: {error.message}")
    if done:
        what = "1 document" if done == 1 else f"{done} documents"
        messages.success(request, f"{what} {SAID[form.cleaned_data['act']]}.")
    for refusal in refusals[:REFUSALS_SHOWN]:
        messages.error(request, refusal)
    if len(refusals) > REFUSALS_SHOWN:
        messages.error(request, f"… and {len(refusals) - REFUSALS_SHOWN} more.")
    return back(request)


def _act(chosen: dict[str, Any], actor: Any) -> Callable[[Document], None]:
    """What is done to one document."""
    acts: dict[str, Callable[[Document], None]] = {
        "read_again": lambda document: _read_again(document, actor),
        "label": lambda document: label(document, as_labels(chosen["labels"]), actor=actor),
        "move": lambda document: move(document, chosen["collection"], actor=actor),
        "trash": lambda document: versions.trash(document, actor=actor),
        "restore": lambda document: versions.restore(document, actor=actor),
    }
    return acts[chosen["act"]]


def _read_again(document: Document, actor: Any) -> None:
    """A version that failed is tried again; one that is ready is read as the next version."""
    newest = document.versions.order_by("-number").first()
    if newest is not None and newest.status in (Status.FAILED, Status.CANCELLED):
        versions.retry(newest, actor=actor)
    else:
        versions.read_again(document, actor=actor)
