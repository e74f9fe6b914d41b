"""The administrator's pages of runs; those of datasets are in dataset_views."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chat.bases import context_limit, is_demo
from chat.models import Adapter
from training.bases import find_base
from training.comparing import MOST, compare_runs
from training.errors import RecipeRefused, StateConflict, TrainingError
from training.forms import RunForm
from training.models import Dataset, Run
from training.recipes import presets, read_recipe
from training.reports import log_tail, report_on
from training.runs import cancel_run, resume_run, start_run

PAGE = 25
View = Callable[..., HttpResponse]


def trainer_view(view: View) -> View:
    """For those who may train; our errors become a message on the page of the thing."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except TrainingError as error:
            messages.error(request, error.message)
            if "run_id" in kwargs:
                return redirect("training:run", kwargs["run_id"])
            return redirect("training:datasets")

    checked = permission_required("training.manage_training", raise_exception=True)(wrapped)
    return login_required(checked)


@require_safe
@trainer_view
def runs(request: HttpRequest) -> HttpResponse:
    """All runs, newest first."""
    rows = Run.objects.select_related("dataset", "created_by")
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    name = "_runs.html" if request.htmx else "runs.html"  # type: ignore[attr-defined]
    is_moving = any(run.is_unfinished for run in page)
    return render(request, f"training/{name}", {"page": page, "is_moving": is_moving})


@require_http_methods(["GET", "HEAD", "POST"])
@trainer_view
def new_run(request: HttpRequest) -> HttpResponse:
    """A dataset and a recipe, beginning with a preset."""
    base = find_base()
    offered = presets(is_demo=is_demo(base), context=context_limit(base))
    preset = request.GET.get("preset", "standard")
    if preset not in offered:
        preset = "standard"
    recipe = offered[preset]
    initial: dict[str, Any] = {"dataset": request.GET.get("dataset")}
    if model := _model(request):
        recipe = read_recipe(model.recipe)
        initial = {"dataset": model.dataset_id, "name": f"{model.name} again"[:120]}
    form = RunForm(request.POST or None, recipe=recipe, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            return redirect(_start(request, form))
        except RecipeRefused as error:
            form.refuse(error)
    context = {"form": form, "presets": list(offered), "preset": preset, "model": model}
    context["has_datasets"] = Dataset.objects.exists()
    return render(request, "training/new_run.html", context, status=422 if form.is_bound else 200)


def _model(request: HttpRequest) -> Run | None:
    """The run that `?again=` names."""
    try:
        return Run.objects.filter(pk=UUID(request.GET.get("again", ""))).first()
    except ValueError:
        return None


@require_safe
@trainer_view
def compare(request: HttpRequest) -> HttpResponse:
    """Several runs over each other: their curves, what differs in their recipes, their figures."""
    ids = [value for value in request.GET.getlist("run")[:MOST] if _is_uuid(value)]
    found = Run.objects.select_related("dataset").filter(pk__in=ids).order_by("created_at")
    return render(request, "training/compare.html", {"comparison": compare_runs(found)})


def _is_uuid(value: str) -> bool:
    try:
        return bool(UUID(value))
    except ValueError:
        return False


def _start(request: HttpRequest, form: RunForm) -> Run:
    values = form.cleaned_data
    return start_run(
        values["dataset"],
        values["recipe"],
        name=values["name"],
        actor=request.user,
        run_id=values["run_id"],
    )


@require_safe
@trainer_view
def run(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """A run, live while it lasts: asked for again every two seconds, whole once it has ended."""
    found = get_object_or_404(Run.objects.select_related("dataset", "created_by"), pk=run_id)
    is_partial = request.htmx and not request.htmx.history_restore_request  # type: ignore[attr-defined]
    if is_partial and not found.is_unfinished:
        return HttpResponse(headers={"HX-Refresh": "true"})
    context = {
        "run": found,
        "report": report_on(found),
        "log": log_tail(found),
        "adapter": Adapter.objects.filter(run_id=found.pk).first(),
    }
    name = "_run.html" if is_partial else "run.html"
    return render(request, f"training/{name}", context)


@require_POST
@trainer_view
def cancel(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Ends it, or asks its worker to."""
    found = get_object_or_404(Run, pk=run_id)
    cancel_run(found, actor=request.user)
    if found.is_unfinished:
        words = "The run ends after the step that it is in; this page then says what is kept."
        messages.info(request, words)
    return redirect(found)


@require_POST
@trainer_view
def resume(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Takes it up again where it stopped."""
    found = get_object_or_404(Run, pk=run_id)
    if not found.is_resumable:
        raise StateConflict("Only a failed or cancelled run can be resumed.")
    resume_run(found, actor=request.user)
    return redirect(found)
