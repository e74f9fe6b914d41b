"""What the ingestion queue runs. Takes ids; knows nothing of how a version becomes passages."""

from uuid import UUID

from knowledge.ingestion import ingest
from knowledge.vectors import fill_vectors


def ingest_version(version_id: str) -> None:
    """Takes one version to its passages; safe to run twice."""
    ingest(version_id)


def embed_version(version_id: str) -> None:
    """Makes the vectors that a version's chunks lack; safe to run twice."""
    fill_vectors(UUID(version_id))
