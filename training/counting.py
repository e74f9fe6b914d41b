"""What a report lacks at first: tokens, until the tokenizer is here, and a large one's findings.

Part of a dataset's story between import and preflight. Reads tokenizer files only, no model; what
was counted or found is left alone.
"""

from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from phi3site.jobs import TRAINING, enqueue
from training.bases import find_base
from training.datasets import describe_tokens
from training.errors import RecipeRefused
from training.findings import look_through
from training.masking import mask_example
from training.models import Dataset
from training.tokens import Codec, folder_codec

TASK = "training.tasks.count_dataset"
TIMEOUT = 3600
BATCH = 500


def uncounted() -> QuerySet[Dataset]:
    """Datasets whose report says nothing of tokens."""
    return Dataset.objects.filter(report__tokens={}, status=Dataset.Status.READY)


def unseen() -> QuerySet[Dataset]:
    """Datasets that nobody has looked through."""
    ready = Dataset.objects.filter(status=Dataset.Status.READY)
    return ready.exclude(report__has_key="findings").exclude(report={})


def can_count() -> bool:
    """Whether the base model's tokenizer is on this machine."""
    return base_codec() is not None


def queue_counts() -> int:
    """A job for each dataset whose report can be completed now; says how many."""
    waiting = {dataset.pk: dataset for dataset in unseen()}
    lacking = list(uncounted())
    if lacking and can_count():
        waiting |= {dataset.pk: dataset for dataset in lacking}
    for dataset in waiting.values():
        enqueue(
            TASK, str(dataset.pk), queue=TRAINING, job_id=f"count-{dataset.pk}", timeout=TIMEOUT
        )
    return len(waiting)


def count_dataset(dataset_id: UUID) -> bool:
    """Completes a dataset's report as far as it can be; says whether it did."""
    is_new = unseen().filter(pk=dataset_id).first()
    if is_new:
        look_through(is_new)
    return _count_tokens(dataset_id) or is_new is not None


def _count_tokens(dataset_id: UUID) -> bool:
    codec = base_codec()
    if codec is None or not uncounted().filter(pk=dataset_id).exists():
        return False
    examples = Dataset.objects.get(pk=dataset_id).examples.filter(tokens=None)
    while batch := list(examples.order_by("pk")[:BATCH]):
        for example in batch:
            example.tokens = len(mask_example(codec, example.messages))
        examples.model.objects.bulk_update(batch, ["tokens"])
    with transaction.atomic():
        dataset = Dataset.objects.select_for_update().get(pk=dataset_id)
        counts = dataset.examples.values_list("tokens", flat=True)
        dataset.report["tokens"] = describe_tokens([n for n in counts if n is not None])
        dataset.save(update_fields=["report"])
    return True


def base_codec() -> Codec | None:
    """The base model's tokenizer, where it is on this machine."""
    try:
        return folder_codec(find_base())
    except (RecipeRefused, OSError):  # not here, or still being written
        return None
