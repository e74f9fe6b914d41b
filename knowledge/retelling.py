"""Summaries in an engine's words: which wait for it, and how they are put in place.

A retold summary is a correction without an author: it has a history, and comes again when the file
is read again. Knows no engine.
"""

from collections.abc import Collection as Many
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from knowledge.correcting import correct
from knowledge.levels import TABLES
from knowledge.models import Chunk, ChunkRevision, Document


def next_summary(skipped: Many[UUID] = ()) -> Chunk | None:
    """A summary of text that answers now and that nobody has changed, newest document first."""
    waiting = _untouched().exclude(pk__in=skipped)
    return waiting.order_by("-version__uploaded_at", "version", "ordinal").first()


def reword(chunk: Chunk, text: str) -> None:
    """Puts the words in place, unless a person or another worker was there before."""
    with transaction.atomic():
        # As in corrections, which take turns with this.
        Document.objects.select_for_update(no_key=True).get(versions=chunk.version_id)
        if _untouched().filter(pk=chunk.pk).exists():
            correct(chunk, text=text, is_enabled=True, actor=None)


def _untouched() -> QuerySet[Chunk]:
    touched = ChunkRevision.objects.filter(version=OuterRef("version"), ordinal=OuterRef("ordinal"))
    of_table = Q()
    for mark in TABLES:
        of_table |= Q(version__media_type__contains=mark)
    summaries = Chunk.objects.filter(kind=Chunk.Kind.SUMMARY, is_live=True, is_enabled=True)
    return summaries.exclude(of_table).exclude(Exists(touched))
