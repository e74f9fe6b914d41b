"""What datasets hold, over the API: examples, decisions on them, checks against questions.

The same functions as the pages, for the same people, who see the same examples.
"""

from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router, Status
from ninja.pagination import paginate

from knowledge.models import Collection, Document
from training.api import require_trainer
from training.errors import DatasetRefused
from training.feedback import collect_feedback
from training.findings import Leak, find_leaks
from training.making import request_dataset
from training.models import Dataset, Example
from training.reviewing import decide, edit, revise
from training.schemas import (
    DatasetOut,
    DocumentsIn,
    ExampleOut,
    FeedbackSetIn,
    LeakOut,
    QuestionsIn,
    ReviewIn,
    WordsIn,
)

router = Router(tags=["training"])


@router.post("/datasets/from-documents", response={201: DatasetOut})
def from_documents(request: HttpRequest, body: DocumentsIn) -> Status[Dataset]:
    """A dataset to be made of documents: its status says when it is."""
    require_trainer(request)
    collections = Collection.objects.manageable_by(request.user).filter(pk__in=body.collections)
    documents = Document.objects.manageable_by(request.user).filter(pk__in=body.documents)
    if len(collections) != len(set(body.collections)) or len(documents) != len(set(body.documents)):
        raise Http404
    dataset = request_dataset(
        body.name,
        collections=collections,
        documents=documents,
        limit=body.limit,
        distractors=body.distractors,
        unanswerable=body.unanswerable,
        actor=request.user,
    )
    return Status(201, dataset)


@router.post("/datasets/from-feedback", response={201: DatasetOut})
def from_feedback(request: HttpRequest, body: FeedbackSetIn) -> Status[Dataset]:
    """A dataset of what people approved and corrected, to be reviewed."""
    require_trainer(request)
    return Status(201, collect_feedback(body.name, actor=request.user))


@router.get("/datasets/{uuid:dataset_id}/examples", response=list[ExampleOut])
@paginate
def list_examples(request: HttpRequest, dataset_id: UUID) -> QuerySet[Example]:
    """The examples that one may see, in order."""
    return _visible(request, dataset_id)[1].order_by("line")


@router.patch("/datasets/{uuid:dataset_id}/examples/{int:line}", response=ExampleOut)
def edit_example(request: HttpRequest, dataset_id: UUID, line: int, body: WordsIn) -> Example:
    """Other words for each turn; what a person wrote is accepted."""
    found = get_object_or_404(_visible(request, dataset_id)[1], line=line)
    if len(body.contents) != len(found.messages):
        raise DatasetRefused(f"The example has {len(found.messages)} turns: send as many contents.")
    edit(found, body.contents, actor=request.user)
    return found


@router.post("/datasets/{uuid:dataset_id}/review", response=DatasetOut)
def review(request: HttpRequest, dataset_id: UUID, body: ReviewIn) -> Dataset:
    """Accepts or rejects the named lines, or all that wait."""
    dataset, visible = _visible(request, dataset_id)
    waiting = visible.filter(state=Example.State.CANDIDATE)
    chosen = waiting if body.lines is None else visible.filter(line__in=body.lines)
    decide(dataset, chosen, body.decision, actor=request.user)
    dataset.refresh_from_db()
    return dataset


@router.post("/datasets/{uuid:dataset_id}/revise", response={201: DatasetOut})
def revise_dataset(request: HttpRequest, dataset_id: UUID) -> Status[Dataset]:
    """A new version that can be changed."""
    return Status(201, revise(_visible(request, dataset_id)[0], actor=request.user))


@router.post("/datasets/{uuid:dataset_id}/leaks", response=list[LeakOut])
def dataset_leaks(request: HttpRequest, dataset_id: UUID, body: QuestionsIn) -> list[Leak]:
    """Examples that ask nearly what one of these questions asks."""
    return find_leaks(_visible(request, dataset_id)[1], body.questions)


def _visible(request: HttpRequest, dataset_id: UUID) -> tuple[Dataset, QuerySet[Example]]:
    require_trainer(request)
    found = get_object_or_404(Dataset, pk=dataset_id)
    return found, Example.objects.visible_to(request.user).filter(dataset=found)
