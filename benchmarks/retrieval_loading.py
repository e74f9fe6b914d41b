"""Texts and files → chunks of a throw-away collection, by the product's own steps.

Files are read in child processes, several at once; embeddings are made for many documents
together. Knows no question.
"""

import hashlib
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from os import cpu_count
from pathlib import Path
from time import perf_counter

from django.contrib.auth.models import Group, User
from django.db import connection, transaction
from django.db.models.functions import Now

from benchmarks.retrieval_evidence import Stored
from benchmarks.retrieval_forms import Folder, Text
from knowledge import embedding
from knowledge.attempts import Attempt
from knowledge.blocks import Block, Extracted, TableData
from knowledge.chunking import NewChunk, whole_chunk
from knowledge.cutting import cut
from knowledge.errors import KnowledgeError
from knowledge.extraction import extract
from knowledge.filetypes import detect
from knowledge.indexes import ensure_vector_index
from knowledge.models import Chunk, Collection, Document, DocumentVersion
from knowledge.publishing import publish
from knowledge.registry import row_of
from knowledge.uploads import title_of

# Chunks embedded together: long enough to sort texts of one length into a batch.
TOGETHER = 2_000
# Times what the encoder reads: a given passage that is longer is cut.
LONG_FROM = 3
NAME = "Benchmark"


@dataclass
class Source:
    """A document on its way: what it is called here and in the folder, and its chunks."""

    key: str
    title: str
    filename: str
    media_type: str
    chunks: list[NewChunk]
    pages: int | None = None
    tables: tuple[TableData, ...] = ()
    # Of given passages: the id of each chunk's passage.
    passages: list[str] = field(default_factory=list)


@dataclass
class Loaded:
    """The collection, who may read it, and what its rows stand for in the folder."""

    collection: Collection
    reader: User
    documents: dict[uuid.UUID, str] = field(default_factory=dict)
    passages: dict[uuid.UUID, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    pages: int = 0


def load(folder: Folder) -> Loaded:
    """Everything of the folder, searchable; a kept collection is taken as it is."""
    group, _ = Group.objects.get_or_create(name=NAME)
    reader, _ = User.objects.get_or_create(username="benchmark")
    reader.groups.add(group)
    collection, created = Collection.objects.get_or_create(name=NAME)
    collection.readers.add(group)
    loaded = Loaded(collection, reader)
    if not created and not collection.description:
        # Kept, but the run that filled it was stopped half-way.
        collection.documents.all().delete()
    if not collection.description:
        embedding.get_encoder()
        _fill(folder, loaded)
        with _timed(loaded, "index"):
            ensure_vector_index(row_of(embedding.get_encoder()))
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE")
        collection.description = f"All of {folder.name}"
        collection.save(update_fields=["description"])
    _read_back(loaded)
    return loaded


def _fill(folder: Folder, loaded: Loaded) -> None:
    sources = (
        _from_files(folder.files, loaded) if folder.files else _from_texts(folder.texts, loaded)
    )
    waiting: list[Source] = []
    for source in sources:
        waiting.append(source)
        if sum(len(one.chunks) for one in waiting) >= TOGETHER:
            _store(waiting, loaded)
            waiting = []
    _store(waiting, loaded)


def _from_texts(texts: Iterable[Text], loaded: Loaded) -> Iterator[Source]:
    """Given passages: those that name one document become its chunks, the others stand alone."""
    groups: dict[str, list[Text]] = {}
    for text in texts:
        if text.title or text.text.strip():
            groups.setdefault(text.parent or f"id {text.id}", []).append(text)
    for parts in groups.values():
        name = parts[0].parent or parts[0].id
        source = Source(name, parts[0].title, name, "text/plain", [])
        with _timed(loaded, "chunk"):
            for part in parts:
                chunks = _given(part)
                source.chunks += chunks
                source.passages += [part.id] * len(chunks)
        yield source


def _given(part: Text) -> list[NewChunk]:
    """The passage as it is; one of which the encoder would read but a part is cut as a document."""
    encoder = embedding.get_encoder()
    whole = whole_chunk(
        part.text, title=part.title, headings=part.headings, count_tokens=encoder.count_tokens
    )
    if whole.tokens <= LONG_FROM * encoder.max_tokens:
        return [whole]
    headings = [Block("heading", text, level) for level, text in enumerate(part.headings, 1)]
    blocks = (*headings, *(Block("paragraph", text) for text in part.text.split("\n\n")))
    chunks = cut(Extracted(blocks=blocks), title=part.title, encoder=encoder)
    return [chunk for chunk in chunks if chunk.kind != "summary"]


def _from_files(files: dict[str, Path], loaded: Loaded) -> Iterator[Source]:
    """Files in their order, read ahead of what is embedded."""
    with ThreadPoolExecutor(min(4, cpu_count() or 1)) as pool:
        start = perf_counter()
        waiting = [(name, pool.submit(_extract, path)) for name, path in files.items()]
        for name, future in waiting:
            try:
                extracted, media_type = future.result()
            except KnowledgeError as error:
                loaded.failed[name] = error.message
                continue
            loaded.seconds["extract"] += perf_counter() - start
            title = title_of(name.rsplit("/", 1)[-1])
            with _timed(loaded, "chunk"):
                chunks = cut(extracted, title=title, encoder=embedding.get_encoder())
            if not chunks:
                loaded.failed[name] = "no text below its headings"
                continue
            count, tables = extracted.page_count, extracted.tables
            yield Source(name, title, name, media_type, chunks, count, tables)
            start = perf_counter()


def _extract(path: Path) -> tuple[Extracted, str]:
    media_type = detect(path, path.name).media_type
    return extract(path, media_type, path.name), media_type


def _store(sources: list[Source], loaded: Loaded) -> None:
    """Embeds and publishes; one commit for all."""
    if not sources:
        return
    encoder = embedding.get_encoder()
    with _timed(loaded, "embed"):
        embedded = [chunk for source in sources for chunk in source.chunks if chunk.is_embedded]
        texts = [chunk.context_text for chunk in embedded]
        vectors = encoder.encode_passages(texts)
    row, start = row_of(encoder), 0
    with _timed(loaded, "publish"), transaction.atomic():
        for source in sources:
            end = start + sum(chunk.is_embedded for chunk in source.chunks)
            attempt = _attempt(source, loaded)
            publish(attempt, source.chunks, vectors[start:end], source.tables, encoder=row)
            start = end


def _attempt(source: Source, loaded: Loaded) -> Attempt:
    """The document and its version, as far as a worker has come when chunks are embedded."""
    document = Document.objects.create(
        collection=loaded.collection, title=(source.title or source.key)[:300]
    )
    version = DocumentVersion.objects.create(
        document=document,
        number=1,
        filename=source.key[:255],
        sha256=hashlib.sha256(source.key.encode()).hexdigest(),
        media_type=source.media_type,
        size=0,
        status=DocumentVersion.Status.INDEXING,
        attempt=1,
        heartbeat_at=Now(),
        page_count=source.pages,
        warnings=source.passages,
    )
    return Attempt(version)


def _read_back(loaded: Loaded) -> None:
    """What the stored rows stand for: also of a collection that was kept."""
    versions = DocumentVersion.objects.filter(document__collection=loaded.collection)
    given: dict[uuid.UUID, list[str]] = {}
    for version in versions:
        loaded.documents[version.document_id] = version.filename
        loaded.pages += version.page_count or 0
        given[version.pk] = version.warnings
    chunks = Chunk.objects.filter(collection=loaded.collection)
    for key, version_id, ordinal in chunks.values_list("pk", "version_id", "ordinal"):
        if ordinal < len(given[version_id]):
            loaded.passages[key] = given[version_id][ordinal]


def stored_chunks(folder: Folder, loaded: Loaded) -> dict[str, list[Stored]]:
    """The chunks of the documents in which a question names words, by document."""
    names = {one.name for q in folder.questions for one in q.gold if one.words}
    versions = DocumentVersion.objects.filter(
        document__collection=loaded.collection, filename__in=[name[:255] for name in names]
    )
    found: dict[str, list[Stored]] = {}
    columns = ("version__filename", "pk", "text", "page", "boxes")
    for name, key, text, page, boxes in (
        Chunk.objects.filter(version__in=versions).order_by("ordinal").values_list(*columns)
    ):
        pages = {page, *(box["page"] for box in boxes)} - {None}
        found.setdefault(name, []).append(Stored(key, text, tuple(sorted(pages))))
    return found


@contextmanager
def _timed(loaded: Loaded, stage: str) -> Iterator[None]:
    start = perf_counter()
    yield
    loaded.seconds[stage] += perf_counter() - start
