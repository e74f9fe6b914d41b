"""A curator's trial of the search, from the request to what may be shown of its result.

The search itself needs the encoder, and is done by an ingestion worker: see explaining.
"""

from typing import Any

from django.db import transaction

from knowledge.models import DocumentVersion, SearchTest
from phi3site.audit.recording import record
from phi3site.jobs import INGESTION, enqueue

SECONDS = 300


def begin_test(question: str, *, owner: Any, person: Any, **options: Any) -> SearchTest:
    """Writes the test down with its event, and queues it in front of everything else."""
    with transaction.atomic():
        test = SearchTest.objects.create(
            owner=owner, person=person, question=question, options=options
        )
        enqueue_test(test)
        details = {"person": person.get_username(), "collections": options.get("collections", [])}
        record("search.tested", actor=owner, target=test, details=details)
    return test


def enqueue_test(test: SearchTest) -> None:
    """A person waits for it: it goes before all files."""
    enqueue(
        "knowledge.tasks.explain_search",
        str(test.pk),
        queue=INGESTION,
        job_id=f"search-test-{test.pk}",
        timeout=SECONDS,
        is_urgent=True,
    )


def readable_versions(test: SearchTest) -> Any:
    """Versions whose words the curator may see in the result."""
    return DocumentVersion.objects.visible_to(test.owner)
