"""Nothing stays stuck: versions that wait or were left behind are queued again.

Run every few seconds by the ingestion worker. The rows are the record; a lost queue costs nothing.
"""

import logging
from datetime import timedelta
from functools import cache
from itertools import chain

from django.db.models.functions import Now

from knowledge.attempts import claimable
from knowledge.indexes import renew_keyword_index
from knowledge.line import is_paused, waiting
from knowledge.models import ArchiveImport, DocumentVersion, SearchTest
from knowledge.search_tests import enqueue_test
from knowledge.storage import remove_strays
from knowledge.switching import queue_left_behind
from knowledge.unpacking import claimable as claimable_archive
from knowledge.unpacking import enqueue_archive
from knowledge.versions import enqueue_embedding, enqueue_ingestion
from phi3site.jobs import INGESTION, jobs_waiting

Status = DocumentVersion.Status
# A fresh row is about to be queued by the very request that made it.
FRESH = timedelta(seconds=5)
BATCH = 500
# Whose rows name stored files.
_STORING = (DocumentVersion, ArchiveImport)
TESTS_KEPT = timedelta(days=1)

logger = logging.getLogger(__name__)


def reconcile() -> int:
    """Queues what should be under way and isn't; the number of versions, and of switches.

    Queueing the same attempt twice makes one job, so that this may run in several workers. Any
    job is a turn of the line, so that a few hundred are enough however long the line is.
    """
    remove_stray_files()
    queued = _queue_again()
    # Last, since it takes minutes where passages are very many.
    renew_keyword_index()
    return queued


def _queue_again() -> int:
    left = DocumentVersion.objects.unfinished().exclude(status=Status.QUEUED).filter(claimable())
    if count := left.update(status=Status.QUEUED, heartbeat_at=None):
        logger.warning("%s versions were left behind by a worker; they wait again", count)
    for version in DocumentVersion.objects.filter(lacks_vectors=True)[:BATCH]:
        enqueue_embedding(version)
    SearchTest.objects.filter(created_at__lt=Now() - TESTS_KEPT).delete()
    for test in SearchTest.objects.filter(status=SearchTest.Status.WAITING)[:BATCH]:
        enqueue_test(test)
    for archive in ArchiveImport.objects.filter(claimable_archive())[:BATCH]:
        enqueue_archive(archive)
    if is_paused():
        return 0
    room = max(0, BATCH - jobs_waiting(INGESTION))
    versions = list(waiting().filter(queued_at__lt=Now() - FRESH)[:room])
    for version in versions:
        enqueue_ingestion(version)
    return len(versions) + queue_left_behind()


@cache
def remove_stray_files() -> int:
    """Deletes files of uploads that were killed before their row was written; once a process."""
    stored = [model.objects.values_list("file", flat=True) for model in _STORING]
    return remove_strays(set(chain(*stored)))
