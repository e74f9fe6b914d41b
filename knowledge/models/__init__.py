"""What a company knows: collections of documents, their versions, chunks and embeddings.

Rows are reached through `visible_to(user)`; what a row means for a question is told in retrieval.
"""

from knowledge.models.chunks import Chunk, ChunkEmbedding, Encoder
from knowledge.models.collections import MANAGE_ALL, Collection, CollectionQuerySet
from knowledge.models.documents import (
    Document,
    DocumentQuerySet,
    DocumentVersion,
    VersionQuerySet,
    upload_path,
)
from knowledge.models.tables import Table, TableRow

__all__ = [
    "MANAGE_ALL",
    "Chunk",
    "ChunkEmbedding",
    "Collection",
    "CollectionQuerySet",
    "Document",
    "DocumentQuerySet",
    "DocumentVersion",
    "Encoder",
    "Table",
    "TableRow",
    "VersionQuerySet",
    "upload_path",
]
