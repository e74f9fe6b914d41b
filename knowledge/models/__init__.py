"""What a company knows: collections of documents, their versions, chunks and embeddings.

Rows are reached through `visible_to(user)`; what a row means for a question is told in retrieval.
"""

from knowledge.models.archives import ArchiveEntry, ArchiveImport, ArchiveQuerySet
from knowledge.models.chunks import Chunk, ChunkEmbedding, ChunkRevision
from knowledge.models.collections import MANAGE_ALL, Collection, CollectionQuerySet
from knowledge.models.documents import Document, DocumentQuerySet
from knowledge.models.encoders import MAX_DIMENSIONS, Encoder, EncoderSwitch
from knowledge.models.queue import IngestionPause, SearchTest, SearchTestQuerySet, UploadKey
from knowledge.models.tables import Table, TableRow
from knowledge.models.versions import DocumentVersion, VersionQuerySet, upload_path

__all__ = [
    "MANAGE_ALL",
    "MAX_DIMENSIONS",
    "ArchiveEntry",
    "ArchiveImport",
    "ArchiveQuerySet",
    "Chunk",
    "ChunkEmbedding",
    "ChunkRevision",
    "Collection",
    "CollectionQuerySet",
    "Document",
    "DocumentQuerySet",
    "DocumentVersion",
    "Encoder",
    "EncoderSwitch",
    "IngestionPause",
    "SearchTest",
    "SearchTestQuerySet",
    "Table",
    "TableRow",
    "UploadKey",
    "VersionQuerySet",
    "upload_path",
]
