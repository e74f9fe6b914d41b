"""Tokens of datasets that came before the base model: counted as soon as its tokenizer is here.

Part of a dataset's story between import and preflight. Reads tokenizer files only, no model; a
count that was made is never made again.
"""

from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from phi3site.jobs import TRAINING, enqueue
from training.bases import find_base
from training.datasets import describe_tokens
from training.errors import RecipeRefused
from training.masking import mask_example
from training.models import Dataset
from training.tokens import Codec, folder_codec

TASK = "training.tasks.count_dataset"
TIMEOUT = 3600
BATCH = 500


def uncounted() -> QuerySet[Dataset]:
    """Datasets whose report says nothing of tokens."""
    return Dataset.objects.filter(report__tokens={})


def can_count() -> bool:
    """Whether the base model's tokenizer is on this machine."""
    return _codec() is not None


def queue_counts() -> int:
    """A job for each uncounted dataset, once there is something to count with; says how many."""
    waiting = list(uncounted())
    if not waiting or not can_count():
        return 0
    for dataset in waiting:
        enqueue(
            TASK, str(dataset.pk), queue=TRAINING, job_id=f"count-{dataset.pk}", timeout=TIMEOUT
        )
    return len(waiting)


def count_dataset(dataset_id: UUID) -> bool:
    """Counts what is uncounted in a dataset and tells its report; says whether it did."""
    codec = _codec()
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


def _codec() -> Codec | None:
    try:
        return folder_codec(find_base())
    except (RecipeRefused, OSError):  # not here, or still being written
        return None
