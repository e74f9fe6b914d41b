"""Which encoder is searched with, and what may become one: rows and their models together.

A row says what an encoder is; the model that is loaded for it must be that very one. Knows no
passage; how the search goes over from one to another is told in switching.
"""

import math
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import connection

from knowledge.embedding import EncoderSpec, TextEncoder, open_encoder
from knowledge.errors import EncoderRefused, EncoderSwitched, KnowledgeError
from knowledge.models import MAX_DIMENSIONS, Encoder

# Whoever stores passages shares it; the change of the active encoder has it alone.
ACTIVE_LOCK = 7_203_146
# Cosine of two answers of one model to one text, whatever its precision.
SAME_MODEL = 0.99


def open_active() -> TextEncoder:
    """The active encoder; before the first document the configured one."""
    row = Encoder.objects.filter(state=Encoder.State.ACTIVE).first()
    return open_row(row) if row else open_new(EncoderSpec(settings.KNOWLEDGE_ENCODER))


def open_new(spec: EncoderSpec) -> TextEncoder:
    """An encoder that no row speaks of yet. Raises EncoderRefused when it can't be used here."""
    encoder = open_encoder(spec)
    check_dimensions(encoder.dimensions)
    return encoder


def open_row(row: Encoder) -> TextEncoder:
    """The model of a row. Raises KnowledgeError `encoder_changed` when it is another one now."""
    encoder = open_encoder(spec_of(row))
    is_the_one = _is_the_one(encoder, row.revision, tuple(row.probe))  # type: ignore[arg-type]
    if not is_the_one:
        raise _changed(row.name)
    return encoder


def spec_of(row: Encoder) -> EncoderSpec:
    """What has to be loaded for a row; before it is loaded once, what is empty is the model's."""
    own = "" if row.revision else None
    return EncoderSpec(
        row.source or settings.KNOWLEDGE_ENCODER,
        query_prompt=row.query_prompt or own,
        document_prompt=row.document_prompt or own,
        dimensions=row.dimensions if row.is_shortened else None,
        is_normalised=row.is_normalised,
        max_tokens=row.max_tokens or None,
    )


def check_dimensions(dimensions: int) -> None:
    """Raises EncoderRefused for more than an index can hold."""
    if not 0 < dimensions <= MAX_DIMENSIONS:
        raise EncoderRefused(
            f"This encoder has {dimensions:,} dimensions; the index of this database holds at most "
            f"{MAX_DIMENSIONS:,}. Choose another one, or ask it for fewer dimensions."
        )


def row_of(encoder: TextEncoder) -> Encoder:
    """The row whose vectors can be compared with the encoder's; the first one becomes active.

    A question that began before a switch ends with the encoder that it began with.
    """
    row = Encoder.objects.filter(name=encoder.name, revision=encoder.revision).first()
    if row is None and not Encoder.objects.filter(state=Encoder.State.ACTIVE).exists():
        row, _created = Encoder.objects.get_or_create(
            state=Encoder.State.ACTIVE,
            defaults=described(encoder) | {"source": settings.KNOWLEDGE_ENCODER},
        )
    is_the_one = row and (row.name, row.revision) == (encoder.name, encoder.revision)
    if row is None or not is_the_one or row.state == Encoder.State.BUILDING:
        raise _changed(encoder.name)
    return row


def described(encoder: TextEncoder) -> dict[str, Any]:
    """What a row keeps of a loaded encoder."""
    return {
        "name": encoder.name,
        "revision": encoder.revision,
        "dimensions": encoder.dimensions,
        "query_prompt": getattr(encoder, "query_prompt", ""),
        "document_prompt": getattr(encoder, "document_prompt", ""),
        "max_tokens": getattr(encoder, "limit", encoder.max_tokens),
        "probe": [float(value) for value in getattr(encoder, "probe", ())],
    }


def hold_active(encoder: Encoder) -> None:
    """Keeps the encoder active until the surrounding transaction ends.

    Raises EncoderSwitched when the search has gone over to another one already.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [ACTIVE_LOCK])
    if not Encoder.objects.filter(pk=encoder.pk, state=Encoder.State.ACTIVE).exists():
        raise EncoderSwitched(
            "The search uses another encoder now; the passages are embedded anew."
        )


def _changed(name: str) -> KnowledgeError:
    return KnowledgeError(
        f"The stored passages were not embedded by this model of {name}, so that they can't be "
        "compared with it. Bring the former model back, or switch to this one on the page of "
        "encoders.",
        code="encoder_changed",
    )


@lru_cache(maxsize=8)
def _is_the_one(encoder: TextEncoder, revision: str, probe: tuple[float, ...]) -> bool:
    """Whether a loaded model is the one that a row speaks of, by its revision and its answers."""
    if revision and encoder.revision != revision:
        return False
    now = tuple(map(float, getattr(encoder, "probe", ())))
    if not probe or len(now) != len(probe):
        return not probe
    dot = sum(map(float.__mul__, now, probe))
    return dot >= SAME_MODEL * math.hypot(*now) * math.hypot(*probe)
