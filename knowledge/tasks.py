"""What the ingestion queue runs. Takes ids; knows nothing of how a version becomes passages."""

from knowledge.ingestion import ingest


def ingest_version(version_id: str) -> None:
    """Takes one version to its passages; safe to run twice."""
    ingest(version_id)
