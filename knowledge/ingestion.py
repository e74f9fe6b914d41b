"""★ A version becomes passages: extract → chunk → embed → publish, then its document is found.

Kill it anywhere: nothing partial is searchable, and the next attempt ends in the same chunks.
Knows no parser and no model; each step is a function of its own module.
"""

import errno
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy import float32
from numpy.typing import NDArray
from psycopg.errors import DiskFull

from knowledge import embedding
from knowledge.attempts import Attempt, AttemptLost, alive, forget_old_connection
from knowledge.blocks import Extracted
from knowledge.chunking import NewChunk
from knowledge.correcting import corrected
from knowledge.cutting import cut
from knowledge.embedding import TextEncoder
from knowledge.errors import EncoderSwitched, EncoderUnavailable, KnowledgeError, StorageFull
from knowledge.extraction import extract
from knowledge.indexes import ensure_vector_index
from knowledge.models import DocumentVersion
from knowledge.publishing import publish
from knowledge.registry import row_of
from knowledge.storage import path_of

Status = DocumentVersion.Status
EMBEDDING_BATCH = 64
Pass = Callable[[], None]

logger = logging.getLogger(__name__)


@dataclass
class _Work:
    """An attempt that has come as far as chunks."""

    attempt: Attempt
    extracted: Extracted
    chunks: list[NewChunk]
    switched_off: frozenset[int]
    dimensions: int
    embedded: int = 0

    @cached_property
    def to_embed(self) -> list[NewChunk]:
        """Those that get a vector."""
        return [chunk for chunk in self.chunks if chunk.is_embedded]

    @property
    def is_embedded(self) -> bool:
        """Whether it has all its vectors."""
        return self.embedded == len(self.to_embed)

    @cached_property
    def vectors(self) -> NDArray[float32]:
        """Theirs, in their order; filled one by one."""
        return np.empty((len(self.to_embed), self.dimensions), dtype=np.float32)

    def keep(self, place: int, vector: NDArray[float32]) -> None:
        """The vector of one of them."""
        self.vectors[place] = vector
        self.embedded += 1


def ingest(version_id: str) -> None:
    """Takes a queued version to `ready`, or to `failed` with the reason.

    Safe to call twice, at once or again: one attempt works, the others return. A surprise is
    raised after the version has been given back to the queue.
    """
    ingest_many([version_id])


def ingest_many(version_ids: Sequence[str], *, let_pass: Pass = lambda: None) -> int:
    """The same for several versions that share the encoder's batches; each fails by itself.

    `let_pass` is called again and again in a long work, so that others get their turn. Returns
    how many were this worker's to read.
    """
    attempts = [attempt for one in version_ids if (attempt := Attempt.claim(str(one)))]
    if not attempts:
        return 0
    surprises: list[Exception] = []
    with alive(attempts):
        # Takes seconds once a process: not a part of any stage. One for all of them, whatever is
        # switched meanwhile.
        encoder = _encoder(attempts)
        if encoder is None:
            return len(attempts)
        works: list[_Work] = []
        for attempt in attempts:
            with _by_itself(attempt, surprises):
                works.append(_cut(attempt, encoder, let_pass))
        for work in _embed(works, encoder, surprises, let_pass):
            with _by_itself(work.attempt, surprises):
                _publish(work, encoder)
    ensure_vector_index(row_of(encoder))
    if surprises:
        raise surprises[0]
    return len(attempts)


def _encoder(attempts: Sequence[Attempt]) -> TextEncoder | None:
    """What all of them are embedded with; without one they wait again, and say why."""
    try:
        return embedding.get_encoder()
    except KnowledgeError as error:
        logger.warning("no encoder: %s", error.code)
        for attempt in attempts:
            with suppress(AttemptLost):
                attempt.put_back(error)
    return None


@contextmanager
def _by_itself(attempt: Attempt, surprises: list[Exception]) -> Iterator[None]:
    """What goes wrong inside is this attempt's end only; a surprise is kept for later."""
    try:
        yield
    except AttemptLost:
        logger.info("version %s: attempt %s was taken over", attempt.version.pk, attempt.number)
    except EncoderSwitched:
        with suppress(AttemptLost):
            attempt.put_back()
    except EncoderUnavailable as error:
        with suppress(AttemptLost):
            attempt.put_back(error)
    except KnowledgeError as error:
        _fail(attempt, error)
    except Exception as error:
        if _is_full(error):
            _fail(attempt, StorageFull(_FULL))
            return
        surprises.append(error)
        forget_old_connection()
        with suppress(AttemptLost):
            attempt.give_back()


_FULL = (
    "The storage was full while this file was read, so nothing of it was kept. Free some space, "
    "then try again."
)


def _is_full(error: Exception) -> bool:
    """Whether the disk of this host or that of the database has no room."""
    no_room = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    return no_room or isinstance(error.__cause__, DiskFull)


def _fail(attempt: Attempt, error: KnowledgeError) -> None:
    with suppress(AttemptLost):
        attempt.fail(error)
    logger.info("version %s failed: %s", attempt.version.pk, error.code)


def _cut(attempt: Attempt, encoder: TextEncoder, let_pass: Pass) -> _Work:
    """The first two stages: the file's text, and its chunks as people have corrected them."""
    version = attempt.version

    def should_stop() -> bool:
        let_pass()
        return attempt.is_lost()

    with attempt.stage(Status.EXTRACTING):
        extracted = extract(
            path_of(version.file.name),
            version.media_type,
            version.filename,
            should_stop=should_stop,
        )
        attempt.write(page_count=extracted.page_count, warnings=list(extracted.warnings))
    with attempt.stage(Status.CHUNKING):
        chunks, switched_off = corrected(version, _chunks(version, extracted, encoder))
        attempt.write(chunk_count=len(chunks))
    return _Work(attempt, extracted, chunks, switched_off, encoder.dimensions)


def _chunks(version: DocumentVersion, extracted: Extracted, encoder: TextEncoder) -> list[NewChunk]:
    """The version's chunks. Raises KnowledgeError when there is nothing to find in it."""
    chunks = cut(extracted, title=version.document.title, encoder=encoder)
    if not chunks:
        raise KnowledgeError("The file holds headings but no text below them.", code="no_text")
    return chunks


def _embed(
    works: list[_Work], encoder: TextEncoder, surprises: list[Exception], let_pass: Pass
) -> list[_Work]:
    """A vector per chunk, in batches across versions; those versions that have all of theirs."""
    started: list[_Work] = []
    for work in works:
        with _by_itself(work.attempt, surprises):
            work.attempt.begin(Status.EMBEDDING)
            started.append(work)
    pairs = [(work, place) for work in started for place in range(len(work.to_embed))]
    # Texts of one length share a batch: what is shorter would be filled up, and paid for. The
    # longest go first: what they need of memory is enough for all that follow.
    pairs.sort(key=lambda pair: -pair[0].to_embed[pair[1]].tokens)
    try:
        for start in range(0, len(pairs), EMBEDDING_BATCH):
            _embed_batch(pairs[start : start + EMBEDDING_BATCH], encoder)
            let_pass()
    except Exception as error:
        logger.warning("embedding broke off", exc_info=True)
        forget_old_connection()
        for work in started:
            if not work.is_embedded:
                with _by_itself(work.attempt, surprises):
                    raise error
    return [work for work in started if work.is_embedded]


def _embed_batch(pairs: Sequence[tuple[_Work, int]], encoder: TextEncoder) -> None:
    """One call of the encoder; what was cancelled or taken over meanwhile is left out."""
    wanted = [pair for pair in pairs if not pair[0].attempt.is_lost()]
    if not wanted:
        return
    vectors = encoder.encode_passages([work.to_embed[at].context_text for work, at in wanted])
    for (work, place), vector in zip(wanted, vectors, strict=True):
        work.keep(place, vector)
    for work in {id(work): work for work, _ in wanted}.values():
        unembedded = len(work.chunks) - len(work.to_embed)
        with suppress(AttemptLost):
            work.attempt.write(progress=unembedded + work.embedded)


def _publish(work: _Work, encoder: TextEncoder) -> None:
    """The last two stages' end: rows, and the version is ready."""
    attempt = work.attempt
    attempt.end()
    with attempt.stage(Status.INDEXING):
        publish(
            attempt,
            work.chunks,
            work.vectors,
            work.extracted.tables,
            encoder=row_of(encoder),
            switched_off=work.switched_off,
        )
