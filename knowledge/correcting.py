"""Chunks as people have corrected them or switched them off, and how that came about.

A correction is kept beside the chunk, so that a file that is read again gets it again, as long as
the same words come out of it. Answers that cite a chunk keep the words that they cited.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db import transaction

from knowledge.chunking import NewChunk
from knowledge.errors import ChunkChanged, KnowledgeError, StateConflict
from knowledge.models import Chunk, ChunkEmbedding, ChunkRevision, Document, DocumentVersion
from knowledge.serving import refresh_live
from knowledge.stems import stems_of
from knowledge.versions import enqueue_embedding
from phi3site.audit.recording import record

MOST_CHARS = 20_000


def correct(
    chunk: Chunk,
    *,
    actor: Any,
    text: str | None = None,
    is_enabled: bool | None = None,
    seen: str = "",
) -> None:
    """Changes a chunk's words, or takes it out of answers or back into them; None leaves as it is.

    Found by its new words at once, and by their meaning once they are embedded. `seen` is the
    sha256 of the words that the person had before them. Raises ChunkChanged when they are others.
    """
    text = None if text is None else _cleaned(text)
    with transaction.atomic():
        chunk = _locked(chunk)
        if seen and seen != chunk.sha256:
            raise ChunkChanged(
                "Somebody changed this passage while you wrote; see its history below. Save again "
                "to put your words in place of theirs."
            )
        text = chunk.text if text is None else text
        is_enabled = chunk.is_enabled if is_enabled is None else is_enabled
        if (text, is_enabled) == (chunk.text, chunk.is_enabled):
            return
        revision = _revise(chunk, text, is_enabled, actor)
        if text != chunk.text:
            _rewrite(chunk, text)
        _switch(chunk, is_enabled)
        details = {
            "document": str(chunk.version.document_id),
            "version": chunk.version.number,
            "ordinal": chunk.ordinal,
            "before": sha256_of(revision.before),
            "after": sha256_of(revision.after),
            "is_enabled": is_enabled,
        }
        record("chunk.corrected", actor=actor, target=chunk, details=details)


def _cleaned(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\0", "").strip()
    if not text or len(text) > MOST_CHARS:
        raise KnowledgeError(
            f"Write between one and {MOST_CHARS} characters, or switch the passage off.",
            code="bad_correction",
        )
    return text


def _locked(chunk: Chunk) -> Chunk:
    """The row, with its document and version held: publishing and deleting take turns with it."""
    Document.objects.select_for_update(no_key=True).get(versions=chunk.version_id)
    DocumentVersion.objects.select_for_update(no_key=True).get(pk=chunk.version_id)
    found = Chunk.objects.select_related("version__document").filter(pk=chunk.pk).first()
    if found is None or found.version.is_unfinished:
        raise StateConflict("The document is being read again. Wait until it is ready.")
    return found


def _revise(chunk: Chunk, text: str, is_enabled: bool, actor: Any) -> ChunkRevision:
    first = chunk.version.revisions.filter(ordinal=chunk.ordinal).order_by("id").first()
    return ChunkRevision.objects.create(
        version=chunk.version,
        ordinal=chunk.ordinal,
        original_sha256=first.original_sha256 if first else chunk.sha256,
        before=chunk.text,
        after=text,
        is_enabled=is_enabled,
        author=actor,
    )


def _rewrite(chunk: Chunk, text: str) -> None:
    """New words under the same title and headings; their vector has to be made anew."""
    chunk.context_text = _in_context(chunk.context_text, chunk.text, text)
    chunk.tokens = max(1, round(chunk.tokens * len(text) / max(len(chunk.text), 1)))
    chunk.text, chunk.sha256 = text, sha256_of(text)
    (chunk.stems,) = stems_of([chunk.context_text], chunk.version.language)
    chunk.save(update_fields=["text", "context_text", "stems", "tokens", "sha256"])
    ChunkEmbedding.objects.filter(chunk=chunk).delete()
    if chunk.is_live:
        enqueue_embedding(chunk.version)


def _switch(chunk: Chunk, is_enabled: bool) -> None:
    """Out of answers at once; back into them if its version answers."""
    if chunk.is_enabled == is_enabled:
        return
    chunk.is_enabled = is_enabled
    chunk.save(update_fields=["is_enabled"])
    for incomplete in refresh_live(chunk.version.document):
        enqueue_embedding(incomplete)


def corrected(
    version: DocumentVersion, chunks: Sequence[NewChunk]
) -> tuple[list[NewChunk], frozenset[int]]:
    """The chunks with the corrections made to these very words, and the places switched off."""
    # Oldest first: the last one to the same words counts.
    latest = {revision.original_sha256: revision for revision in version.revisions.order_by("id")}
    made, off = list(chunks), set()
    for ordinal, chunk in enumerate(chunks if latest else ()):
        if revision := latest.get(chunk.sha256):
            version.revisions.filter(original_sha256=chunk.sha256).update(ordinal=ordinal)
            made[ordinal] = _made_again(chunk, revision.after)
            if not revision.is_enabled:
                off.add(ordinal)
    return made, frozenset(off)


def _made_again(chunk: NewChunk, text: str) -> NewChunk:
    return replace(
        chunk,
        text=text,
        context_text=_in_context(chunk.context_text, chunk.text, text),
        tokens=max(1, round(chunk.tokens * len(text) / max(len(chunk.text), 1))),
        sha256=sha256_of(text),
    )


def _in_context(context: str, before: str, after: str) -> str:
    """The text that is searched, with the new words in place of the old ones."""
    head, found, tail = context.rpartition(before)
    return f"{head}{after}{tail}" if found else f"{context}\n{after}"


def sha256_of(text: str) -> str:
    """As chunking computes it."""
    return hashlib.sha256(text.encode()).hexdigest()
