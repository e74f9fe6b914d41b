"""Which summaries wait for an engine's words, and what stands in their way."""

import pytest

from knowledge.correcting import correct
from knowledge.ingestion import ingest
from knowledge.models import Chunk
from knowledge.retelling import next_summary, reword
from knowledge.versions import read_again, trash
from phi3site.audit.models import AuditEvent

pytestmark = pytest.mark.django_db

PART = "The service of the Heron pump number {n} needs the grease of type {n} and clean hands.\n\n"
LONG = "# Service\n\n" + "".join(f"## Part {n}\n\n{PART.format(n=n) * 9}" for n in range(1, 8))
WORDS = "This handbook tells how Heron pumps are serviced and which grease they need."


@pytest.fixture
def summary(ingested):
    """The summary of a long text."""
    return ingested(LONG.encode(), "service.md").chunks.get(kind="summary", headings=[])


def test_the_summary_of_a_text_waits_until_it_is_retold(summary, bob):
    assert next_summary() == summary
    assert next_summary({summary.pk}) != summary
    reword(summary, WORDS)
    summary.refresh_from_db()
    assert summary.text == WORDS
    assert summary.context_text.endswith(WORDS)
    assert next_summary() != summary
    event = AuditEvent.objects.get(action="chunk.corrected")
    assert event.actor_name == ""


def test_it_comes_again_when_the_file_is_read_again(summary, curator):
    reword(summary, WORDS)
    read_again(summary.version.document, actor=curator)
    ingest(str(summary.version_id))
    again = Chunk.objects.get(version=summary.version, ordinal=summary.ordinal)
    assert again.text == WORDS
    assert next_summary() != again


def test_what_a_person_wrote_is_left_alone(summary, curator):
    correct(summary, text="By hand.", is_enabled=True, actor=curator)
    reword(summary, WORDS)
    summary.refresh_from_db()
    assert summary.text == "By hand."
    assert next_summary() != summary


def test_tables_and_what_does_not_answer_do_not_wait(ingested, summary, curator):
    ingested(b"part,price\nseal,12\nbearing,40\n", "prices.csv")
    trash(summary.version.document, actor=curator)
    assert next_summary() is None
