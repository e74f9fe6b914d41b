"""★ The search goes over to another encoder: embed beside it → build its index → swap.

Questions are answered by the former encoder until one transaction makes the new one active. The
work is done in slices by the ingestion workers, so that documents are not kept waiting; whoever
dies, the next slice goes on where the vectors end. Knows no page and no model.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, time
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils import timezone

from knowledge.embedding import TextEncoder
from knowledge.errors import EncoderRefused, EncoderUnavailable, KnowledgeError
from knowledge.indexes import ensure_vector_index, lacks_vector_index
from knowledge.models import Chunk, ChunkEmbedding, Encoder, EncoderSwitch
from knowledge.registry import ACTIVE_LOCK, check_dimensions, described, open_row
from phi3site.audit.recording import record
from phi3site.jobs import INGESTION, enqueue

Status = EncoderSwitch.Status
BATCH = 64
# A slice of the work; then documents that wait have their turn.
SLICE_SECONDS = 20.0
MAX_TRIES = 3
# Building the index of a million vectors takes its time.
JOB_SECONDS = 6 * 3600
_WORKER_LOCK = 7_203_147

logger = logging.getLogger(__name__)


def enqueue_switch(switch: EncoderSwitch) -> None:
    """Queues the next slice; the id changes with time, since a killed job keeps its own taken."""
    enqueue(
        "knowledge.tasks.switch_encoder",
        str(switch.pk),
        queue=INGESTION,
        job_id=f"switch-{switch.pk}-{int(time() // 5)}",
        timeout=JOB_SECONDS,
    )


def work_on(switch_id: UUID, *, seconds: float = SLICE_SECONDS) -> None:
    """One slice of a switch; queues the next while there is more to do.

    Safe to call twice, at once or again: one worker works on it, the others return.
    """
    with _only_worker() as is_mine:
        switch = EncoderSwitch.objects.under_way().filter(pk=switch_id).first()
        if not is_mine or switch is None:
            return
        try:
            if _go_on(switch, monotonic() + seconds):
                enqueue_switch(switch)
        except EncoderUnavailable as error:
            _stumble(switch, error)
        except KnowledgeError as error:
            _fail(switch, error)
        except Exception:
            _stumble(switch, _broken())
            raise


def _go_on(switch: EncoderSwitch, until: float) -> bool:
    """The stages, in order; each is taken up where it was left."""
    encoder = _loaded(switch)
    _write(switch, status=Status.EMBEDDING, **_counts(switch))
    while True:
        if not _embed_missing(switch, encoder, until):
            return switch.is_under_way
        _write(switch, status=Status.INDEXING)
        ensure_vector_index(switch.encoder)
        if lacks_vector_index(switch.encoder):
            # Another worker builds it; the reconciler comes back to this.
            return False
        _calibrate(switch, encoder)
        if swap(switch):
            return False


def _loaded(switch: EncoderSwitch) -> TextEncoder:
    """The new encoder's model; the first time its row learns what it is."""
    row = switch.encoder
    encoder = open_row(row)
    if row.revision:
        return encoder
    check_dimensions(encoder.dimensions)
    known = Encoder.objects.filter(name=encoder.name, revision=encoder.revision).first()
    if known and known.state == Encoder.State.ACTIVE:
        raise EncoderRefused(f"{known.name} is the encoder that is searched with already.")
    if known:
        # It was searched with before: its vectors are still worth something.
        Encoder.objects.filter(pk=known.pk).update(state=Encoder.State.BUILDING)
        _write(switch, encoder=known)
        row.delete()
        return encoder
    for name, value in described(encoder).items():
        setattr(row, name, value)
    row.save()
    return encoder


def _calibrate(switch: EncoderSwitch, encoder: TextEncoder) -> None:
    """What its cosines mean beside those of the former one; once, since thresholds rest on it."""
    from knowledge.calibrating import measure

    row = switch.encoder
    was_searched_with = EncoderSwitch.objects.filter(former=row, status=Status.FINISHED).exists()
    if row.likeness_factor is not None or was_searched_with:
        return
    try:
        former = open_row(switch.former)
    except KnowledgeError as error:
        # Gone, perhaps the very reason for the switch: its cosines are taken as they are.
        logger.warning("encoder %s can't be measured: %s", row.pk, error.code)
        return
    row.likeness_offset, row.likeness_factor = measure(encoder, former, switch.former)
    row.save(update_fields=["likeness_offset", "likeness_factor"])


def missing(switch: EncoderSwitch) -> QuerySet[Chunk]:
    """Chunks with a vector of the former encoder and none of the new one."""
    of = ChunkEmbedding.objects.filter(chunk=OuterRef("pk"))
    return Chunk.objects.filter(
        Exists(of.filter(encoder=switch.former_id)), ~Exists(of.filter(encoder=switch.encoder_id))
    )


def _embed_missing(switch: EncoderSwitch, encoder: TextEncoder, until: float) -> bool:
    """Embeds batch by batch; False when the slice is over or a person paused it.

    Goes through the chunks by their ids, then once more for those that came meanwhile.
    """
    from knowledge.vectors import store_vectors

    while monotonic() < until:
        left = missing(switch).order_by("pk")
        if switch.position:
            left = left.filter(pk__gt=switch.position)
        batch = list(left[:BATCH])
        if not batch and switch.position is None:
            return True
        done: dict[str, Any] = {"position": batch[-1].pk if batch else None}
        # Paused and resumed within one batch, it would look as if it still waited.
        done["status"] = Status.EMBEDDING
        if batch:
            texts = [chunk.context_text for chunk in batch]
            cut = sum(count > encoder.max_tokens for count in encoder.count_tokens(texts))
            store_vectors(batch, encoder.encode_passages(texts), switch.encoder)
            done |= {"embedded": F("embedded") + len(batch), "cut": F("cut") + cut, "tries": 0}
        if not _write(switch, **done):
            return False
    return False


def swap(switch: EncoderSwitch) -> bool:
    """Makes the new encoder the active one, if every passage has its vector; all or nothing.

    Waits for documents that are being published, and keeps others from it meanwhile.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ACTIVE_LOCK])
        if missing(switch).exists():
            return False
        done: dict[str, Any] = {"status": Status.FINISHED, "finished_at": timezone.now()}
        if not _write(switch, error="", error_code="", **done):
            # Paused or given up just now.
            return True
        State = Encoder.State
        Encoder.objects.filter(pk=switch.former_id).update(state=State.RETIRED)
        Encoder.objects.filter(pk=switch.encoder_id).update(state=State.ACTIVE)
        record(
            "encoder.switched",
            actor=switch.started_by,
            target=switch.encoder,
            details=switch.audit_details(),
        )
    logger.info("switch %s: the search uses encoder %s now", switch.pk, switch.encoder_id)
    return True


def _counts(switch: EncoderSwitch) -> dict[str, int]:
    """How far it is, by the vectors themselves."""
    vectors = ChunkEmbedding.objects
    total = vectors.filter(encoder=switch.former).count()
    return {"total": total, "embedded": total - missing(switch).count()}


def _write(switch: EncoderSwitch, **values: Any) -> bool:
    """Changes the row while it is under way; False when a person ended or paused it."""
    mine = EncoderSwitch.objects.under_way().filter(pk=switch.pk)
    is_mine = bool(mine.update(**values, updated_at=timezone.now()))
    switch.refresh_from_db()
    return is_mine


def _stumble(switch: EncoderSwitch, error: KnowledgeError) -> None:
    """After a surprise: the reconciler tries again, three times in a row at most."""
    if switch.tries + 1 >= MAX_TRIES:
        _fail(switch, error)
    else:
        _write(switch, tries=F("tries") + 1)


def _fail(switch: EncoderSwitch, error: KnowledgeError) -> None:
    """Stops it with the reason; a person may resume it. Nothing that is searched has changed."""
    with transaction.atomic():
        if _write(switch, status=Status.FAILED, error=error.message, error_code=error.code):
            details = {"code": error.code, **switch.audit_details()}
            record("encoder_switch.failed", target=switch, details=details)
    logger.warning("switch %s failed: %s", switch.pk, error.code)


def _broken() -> KnowledgeError:
    return KnowledgeError(
        f"Something broke {MAX_TRIES} times in a row. Resume the switch; if it stays, tell who "
        "runs this site: the log names it.",
        code="switch_crashed",
    )


def queue_left_behind() -> int:
    """Queues the switch that no worker works on, if there is one; for the reconciler."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND database "
            "= (SELECT oid FROM pg_database WHERE datname = current_database())",
            [_WORKER_LOCK],
        )
        if cursor.fetchone()[0]:
            return 0
    waiting = list(EncoderSwitch.objects.under_way())
    for switch in waiting:
        enqueue_switch(switch)
    return len(waiting)


@contextmanager
def _only_worker() -> Iterator[bool]:
    """Whether this process is the one that works on a switch; its end frees the place at once."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_WORKER_LOCK])
        is_mine = bool(cursor.fetchone()[0])
        try:
            yield is_mine
        finally:
            if is_mine:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_WORKER_LOCK])
