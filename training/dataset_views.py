"""The administrator's pages of datasets: add one, say what its columns mean, see what it holds."""

from gettext import ngettext
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from training.browsing import beside, lengths, listed, tabs, tokens_of
from training.columns import Columns
from training.counting import base_codec, can_count
from training.dataset_forms import (
    ColumnsForm,
    DatasetForm,
    LengthForm,
    QuestionsForm,
    usual_length,
)
from training.datasets import import_dataset
from training.errors import DatasetRefused
from training.findings import NAMED, find_leaks
from training.histograms import draw_histogram
from training.lineage import gone_collections, sources_of
from training.models import Dataset, Example, Upload
from training.uploads import (
    discard_upload,
    guess_meaning,
    import_upload,
    is_unclear,
    keep_upload,
    look_into,
)
from training.views import PAGE, trainer_view


@require_http_methods(["GET", "HEAD", "POST"])
@trainer_view
def datasets(request: HttpRequest) -> HttpResponse:
    """All datasets, and the form for another."""
    form = DatasetForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            return _upload(request, form)
        except DatasetRefused as error:
            form.add_error("file", error.message)
    rows = Dataset.objects.select_related("created_by").annotate(run_count=Count("runs"))
    rows = rows.order_by("-created_at")
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    status = 422 if form.is_bound else 200
    return render(request, "training/datasets.html", {"form": form, "page": page}, status=status)


def _upload(request: HttpRequest, form: DatasetForm) -> HttpResponse:
    name, file = form.cleaned_data["name"], form.cleaned_data["file"]
    if is_unclear(form.filename, file):
        kept = keep_upload(name, file, filename=form.filename, actor=request.user)
        return redirect("training:columns", kept.pk)
    dataset = import_dataset(name, file, actor=request.user, filename=form.filename)
    return _tell(request, dataset)


def _tell(request: HttpRequest, dataset: Dataset) -> HttpResponse:
    if dataset.is_known:
        messages.info(request, f"This very file is here already, as {dataset}.")
    else:
        count = dataset.report["examples"]
        words = ngettext("example", "examples", count)
        messages.success(request, f"{dataset} holds {count:,} {words}.")
    return redirect(dataset)


@require_http_methods(["GET", "HEAD", "POST"])
@trainer_view
def columns(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    """What the columns of one's own upload mean, beside the first rows."""
    upload = get_object_or_404(Upload, pk=upload_id, created_by=request.user)
    header, samples = look_into(upload)
    sent = request.POST if request.method == "POST" else None
    form = ColumnsForm(sent, header=header, guessed=guess_meaning(header))
    if request.method == "POST" and form.is_valid():
        chosen: Columns = form.cleaned_data["columns"]
        try:
            return _tell(request, import_upload(upload, chosen, actor=request.user))
        except DatasetRefused as error:
            form.add_error(None, error.message)
    context: dict[str, Any] = {"upload": upload, "form": form, "header": header, "rows": samples}
    return render(request, "training/columns.html", context, status=422 if form.is_bound else 200)


@require_POST
@trainer_view
def discard(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    """Forgets one's own upload without a dataset."""
    discard_upload(get_object_or_404(Upload, pk=upload_id, created_by=request.user))
    return redirect("training:datasets")


@require_safe
@trainer_view
def dataset(request: HttpRequest, dataset_id: UUID) -> HttpResponse:
    """What the file came to: counts, errors, findings, lengths, and the examples by filter."""
    found = get_object_or_404(Dataset, pk=dataset_id)
    return render(request, "training/dataset.html", _report(request, found))


@require_http_methods(["GET", "HEAD", "POST"])
@trainer_view
def leaks(request: HttpRequest, dataset_id: UUID) -> HttpResponse:
    """Which examples ask what these questions ask, one a line; its links lead to the dataset."""
    found = get_object_or_404(Dataset, pk=dataset_id)
    if request.method != "POST":
        return redirect(f"{found.get_absolute_url()}?{request.GET.urlencode()}")
    form = QuestionsForm(request.POST)
    context = _report(request, found) | {"questions": form}
    if form.is_valid():
        context["asked"] = form.cleaned_data["questions"]
        visible = Example.objects.visible_to(request.user).filter(dataset=found)
        context["leaks"] = find_leaks(visible, context["asked"])
    status = 200 if form.is_valid() else 422
    return render(request, "training/dataset.html", context, status=status)


def _report(request: HttpRequest, found: Dataset) -> dict[str, Any]:
    shown = request.GET.get("show", "all")
    visible = Example.objects.visible_to(request.user).filter(dataset=found)
    examples = listed(visible.select_related("decided_by"), shown)
    form = LengthForm(request.GET if "max_length" in request.GET else None)
    limit = form.cleaned_data["max_length"] if form.is_valid() else usual_length()
    beyond = found.examples.accepted().filter(tokens__gt=limit).order_by("line")
    can_count_now = can_count()
    return {
        "dataset": found,
        "is_frozen": found.is_frozen,
        "sources": sources_of(found),
        "gone_collections": gone_collections(found),
        "waiting": visible.filter(state=Example.State.CANDIDATE).order_by("line").first(),
        "page": Paginator(examples, PAGE).get_page(request.GET.get("page")),
        "tabs": tabs(visible),
        "hidden": found.examples.count() - visible.count(),
        "shown": shown,
        "runs": found.runs.all()[:10],
        "is_being_counted": not found.report.get("tokens") and can_count_now,
        "histogram": draw_histogram(lengths(found), limit=limit),
        "limit": limit,
        "beyond_count": beyond.count(),
        "beyond": list(beyond.values_list("line", flat=True)[:NAMED]),
        "questions": QuestionsForm(),
    }


@require_safe
@trainer_view
def example(request: HttpRequest, dataset_id: UUID, line: int) -> HttpResponse:
    """One example as the model learns it: its tokens, and which of them count."""
    visible = Example.objects.visible_to(request.user).filter(dataset=dataset_id)
    examples = visible.select_related("dataset", "decided_by")
    found = get_object_or_404(examples, line=line)
    codec = base_codec()
    tokens = tokens_of(found, codec) if codec else []
    shown = request.GET.get("show", "all")
    context = {
        "example": found,
        "is_frozen": found.dataset.is_frozen,
        "tokens": tokens,
        "learned": sum(token.is_learned for token in tokens),
        "shown": shown,
        "has_ids": "ids" in request.GET,
        **beside(found, listed(examples, shown)),
    }
    return render(request, "training/example.html", context)
