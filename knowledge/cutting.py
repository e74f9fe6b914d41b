"""What was extracted becomes chunks: cut along its structure, each in its context, summarised.

The one place that knows which settings and which encoder decide the cut; knows no row.
"""

from functools import partial

from django.conf import settings

from knowledge.blocks import Extracted
from knowledge.chunking import NewChunk, chunk, prefix
from knowledge.embedding import TextEncoder
from knowledge.identity import subject_of
from knowledge.summaries import summaries


def cut(extracted: Extracted, *, title: str, encoder: TextEncoder) -> list[NewChunk]:
    """The document's chunks in reading order, its summaries after them."""
    subject = subject_of(title, extracted.blocks)
    chunks = chunk(
        extracted,
        title=title,
        subject=subject,
        count_tokens=encoder.count_tokens,
        max_tokens=settings.KNOWLEDGE_CHUNK_TOKENS,
        encoder_tokens=encoder.max_tokens,
    )
    return chunks + summaries(
        chunks,
        prefix=partial(prefix, title, subject),
        count_tokens=encoder.count_tokens,
        max_tokens=settings.KNOWLEDGE_CHUNK_TOKENS,
    )
