"""What the ingestion queue runs. Takes ids; knows nothing of how a version becomes passages."""

from uuid import UUID

from knowledge import switching, unpacking
from knowledge.attempts import forget_old_connection
from knowledge.explaining import run_test
from knowledge.turns import take_turn
from knowledge.vectors import fill_vectors


def ingest_version(version_id: str) -> None:
    """One turn of the line: reads whoever is next, which need not be the version that is named.

    There is a job for every version that waits, so that each gets its turn; safe to run twice.
    """
    forget_old_connection()
    UUID(version_id)
    take_turn()


def unpack_archive(archive_id: str) -> None:
    """A slice of a zip; queues the next one. Safe to run twice."""
    forget_old_connection()
    unpacking.unpack(UUID(archive_id))


def embed_version(version_id: str) -> None:
    """Makes the vectors that a version's chunks lack; safe to run twice."""
    forget_old_connection()
    fill_vectors(UUID(version_id))


def explain_search(test_id: str) -> None:
    """Tries a question out for a curator; safe to run twice."""
    forget_old_connection()
    run_test(UUID(test_id))


def switch_encoder(switch_id: str) -> None:
    """A slice of the switch to another encoder; queues the next one. Safe to run twice."""
    forget_old_connection()
    switching.work_on(UUID(switch_id))
