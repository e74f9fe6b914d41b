"""Datasets and runs over the API: the same functions as the pages, for the same people."""

import json
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.datastructures import MultiValueDict
from ninja import File, Form, Router, Status
from ninja.files import UploadedFile
from ninja.pagination import paginate

from chat.bases import context_limit, is_demo
from training.bases import find_base
from training.columns import Columns
from training.dataset_forms import DatasetForm
from training.datasets import import_dataset
from training.errors import DatasetRefused, RecipeRefused
from training.models import Dataset, Metric, Run
from training.recipes import presets, read_recipe
from training.runs import cancel_run, resume_run, start_run
from training.schemas import DatasetOut, PointOut, RunIn, RunOut

router = Router(tags=["training"])


def require_trainer(request: HttpRequest) -> None:
    """Raises PermissionDenied for everyone who may not train."""
    if not request.user.has_perm("training.manage_training"):
        raise PermissionDenied


@router.get("/datasets", response=list[DatasetOut])
@paginate
def list_datasets(request: HttpRequest) -> QuerySet[Dataset]:
    """All datasets, newest first."""
    require_trainer(request)
    return Dataset.objects.all()


@router.post("/datasets", response={201: DatasetOut})
def upload_dataset(
    request: HttpRequest, name: Form[str], file: File[UploadedFile], columns: Form[str] = ""
) -> Status[Dataset]:
    """Checks a file and keeps its examples; the same bytes give the dataset they gave before.

    `columns` says what the columns of a table mean: {"question": "Frage", "answer": "Antwort"}, and
    perhaps context, system and source.
    """
    require_trainer(request)
    form = DatasetForm({"name": name}, MultiValueDict({"file": [file]}))
    if not form.is_valid():
        raise DatasetRefused(" ".join(str(e) for errors in form.errors.values() for e in errors))
    dataset = import_dataset(
        name, file, actor=request.user, filename=form.filename, columns=_columns(columns)
    )
    return Status(201, dataset)


def _columns(text: str) -> Columns | None:
    if not text:
        return None
    given: Any = None
    with suppress(json.JSONDecodeError, RecursionError):
        given = json.loads(text)
    is_named = isinstance(given, dict) and all(isinstance(name, str) for name in given.values())
    if is_named and (columns := Columns.complete(given)):
        return columns
    raise DatasetRefused(
        "`columns` must be a JSON object that names the columns of question and answer.",
        code="columns_needed",
    )


@router.get("/datasets/{uuid:dataset_id}", response=DatasetOut)
def get_dataset(request: HttpRequest, dataset_id: UUID) -> Dataset:
    """One dataset with its report."""
    require_trainer(request)
    return get_object_or_404(Dataset, pk=dataset_id)


@router.get("/runs", response=list[RunOut])
@paginate
def list_runs(request: HttpRequest) -> QuerySet[Run]:
    """All runs, newest first."""
    require_trainer(request)
    return Run.objects.all()


@router.post("/runs", response={201: RunOut})
def create_run(request: HttpRequest, body: RunIn) -> Status[Run]:
    """Starts a run from a preset and what differs from it."""
    require_trainer(request)
    dataset = get_object_or_404(Dataset, pk=body.dataset)
    base = find_base()
    offered: dict[str, Any] = presets(is_demo=is_demo(base), context=context_limit(base))
    if body.preset not in offered:
        raise RecipeRefused(f"The presets are {', '.join(offered)}.", field="preset")
    recipe = read_recipe({**offered[body.preset].as_dict(), **body.recipe})
    run = start_run(dataset, recipe, name=body.name, actor=request.user, run_id=body.id)
    return Status(201, run)


@router.get("/runs/{uuid:run_id}", response=RunOut)
def get_run(request: HttpRequest, run_id: UUID) -> Run:
    """One run and how far it is."""
    require_trainer(request)
    return get_object_or_404(Run, pk=run_id)


@router.get("/runs/{uuid:run_id}/metrics", response=list[PointOut])
@paginate
def list_metrics(request: HttpRequest, run_id: UUID) -> QuerySet[Metric]:
    """The points of its curves."""
    require_trainer(request)
    return get_object_or_404(Run, pk=run_id).metrics.all()


@router.post("/runs/{uuid:run_id}/cancel", response=RunOut)
def cancel(request: HttpRequest, run_id: UUID) -> Run:
    """Ends it, or asks its worker to."""
    require_trainer(request)
    run = get_object_or_404(Run, pk=run_id)
    cancel_run(run, actor=request.user)
    return run


@router.post("/runs/{uuid:run_id}/resume", response=RunOut)
def resume(request: HttpRequest, run_id: UUID) -> Run:
    """Queues a failed or cancelled run again."""
    require_trainer(request)
    run = get_object_or_404(Run, pk=run_id)
    resume_run(run, actor=request.user)
    return run
