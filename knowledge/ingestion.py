"""★ A version becomes passages: extract → chunk → embed → publish, then its document is found.

Kill it anywhere: nothing partial is searchable, and the next attempt ends in the same chunks.
Knows no parser and no model; each step is a function of its own module.
"""

import logging
from contextlib import suppress

import numpy as np
from django.conf import settings
from django.db.models import F
from numpy import float32
from numpy.typing import NDArray

from knowledge import embedding
from knowledge.attempts import Attempt, AttemptLost
from knowledge.blocks import Extracted
from knowledge.chunking import NewChunk, chunk
from knowledge.embedding import TextEncoder
from knowledge.errors import EncoderSwitched, KnowledgeError
from knowledge.extraction import extract
from knowledge.indexes import ensure_vector_index
from knowledge.models import DocumentVersion
from knowledge.publishing import publish
from knowledge.registry import row_of
from knowledge.storage import path_of

Status = DocumentVersion.Status
EMBEDDING_BATCH = 64

logger = logging.getLogger(__name__)


def ingest(version_id: str) -> None:
    """Takes a queued version to `ready`, or to `failed` with the reason.

    Safe to call twice, at once or again: one attempt works, the others return. A surprise is
    raised after the version has been given back to the queue.
    """
    attempt = Attempt.claim(version_id)
    if attempt is None:
        return
    try:
        with attempt.alive():
            _make_ready(attempt)
    except AttemptLost:
        logger.info("version %s: attempt %s was taken over", version_id, attempt.number)
    except EncoderSwitched:
        with suppress(AttemptLost):
            attempt.write(status=Status.QUEUED, heartbeat_at=None, tries=F("tries") - 1)
    except KnowledgeError as error:
        with suppress(AttemptLost):
            attempt.fail(error)
        logger.info("version %s failed: %s", version_id, error.code)
    except Exception:
        with suppress(AttemptLost):
            attempt.give_back()
        raise


def _make_ready(attempt: Attempt) -> None:
    """The stages, in order; each is seen on the document's page."""
    version = attempt.version
    # Takes seconds once a process: not a part of any stage. One for all of them, whatever is
    # switched meanwhile.
    encoder = embedding.get_encoder()
    with attempt.stage(Status.EXTRACTING):
        extracted = extract(
            path_of(version.file.name),
            version.media_type,
            version.filename,
            should_stop=attempt.is_lost,
        )
        attempt.write(page_count=extracted.page_count, warnings=list(extracted.warnings))
    with attempt.stage(Status.CHUNKING):
        chunks = _chunks(version, extracted, encoder)
        attempt.write(chunk_count=len(chunks))
    with attempt.stage(Status.EMBEDDING):
        vectors = _embed(attempt, chunks, encoder)
    with attempt.stage(Status.INDEXING):
        publish(attempt, chunks, vectors, extracted.tables, encoder=row_of(encoder))
    ensure_vector_index(row_of(encoder))


def _chunks(version: DocumentVersion, extracted: Extracted, encoder: TextEncoder) -> list[NewChunk]:
    """The version's chunks. Raises KnowledgeError when there is nothing to find in it."""
    chunks = chunk(
        extracted,
        title=version.document.title,
        count_tokens=encoder.count_tokens,
        max_tokens=settings.KNOWLEDGE_CHUNK_TOKENS,
        encoder_tokens=encoder.max_tokens,
    )
    if not chunks:
        raise KnowledgeError("The file holds headings but no text below them.", code="no_text")
    return chunks


def _embed(attempt: Attempt, chunks: list[NewChunk], encoder: TextEncoder) -> NDArray[float32]:
    """A vector per embedded chunk, shape (those, dimensions); progress is seen batch by batch."""
    unembedded = sum(not item.is_embedded for item in chunks)
    chunks = [item for item in chunks if item.is_embedded]
    vectors = []
    for start in range(0, len(chunks), EMBEDDING_BATCH):
        batch = chunks[start : start + EMBEDDING_BATCH]
        vectors.append(encoder.encode_passages([item.context_text for item in batch]))
        attempt.write(progress=unembedded + start + len(batch))
    return np.concatenate(vectors)
