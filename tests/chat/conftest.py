"""An expert over three passages of the Service documents, and answers that run in this process."""

import asyncio
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile

from chat.asking import ask
from chat.experts import create_expert
from chat.models import Answer, Citation, Passage
from knowledge import embedding
from knowledge.ingestion import ingest
from knowledge.models import Chunk, ChunkEmbedding, Document, DocumentVersion
from knowledge.registry import row_of
from knowledge.uploads import upload_document
from phi3site.audit.canonical import sha256
from phi3site.valkey import async_client, client

PASSAGES = (
    "Wear parts are shaft seals, wear rings and diaphragms. They are covered for three months.",
    "The seal kit of the Heron pump is SK-17. It costs 48 euros. Order it from the parts desk.",
    "Never run the pump dry. Dry running destroys the shaft seal within seconds.",
)
VISITS = "Visit,Town,Hours\nV-1,Bremen,4\nV-2,Kiel,2\nV-3,Bremen,5\nV-4,Bremen,1\n"


@pytest.fixture(autouse=True)
def _empty_valkey():
    client().flushdb()


def add_document(collection, title, texts, **chunk_fields):
    """A ready document whose chunks can be found; returns the chunks."""
    document = Document.objects.create(collection=collection, title=title)
    version = DocumentVersion.objects.create(
        document=document,
        number=1,
        filename="f.pdf",
        sha256=sha256(title),
        media_type="application/pdf",
        size=1,
        status="ready",
    )
    encoder = embedding.get_encoder()
    row = row_of(encoder)
    chunks = []
    for ordinal, text in enumerate(texts):
        values = {"page": ordinal + 1, "headings": ["Service"], **chunk_fields}
        context = "\n".join([title, *values["headings"], text])
        chunk = Chunk.objects.create(
            version=version,
            collection=collection,
            is_live=True,
            ordinal=ordinal,
            text=text,
            context_text=context,
            tokens=len(text.split()),
            sha256=sha256(text),
            **values,
        )
        vector = encoder.encode_passages([context])[0]
        ChunkEmbedding.objects.create(chunk=chunk, encoder=row, vector=vector)
        chunks.append(chunk)
    return chunks


@pytest.fixture
def chunks(encoder, collection):
    return add_document(collection, "Service handbook", PASSAGES)


@pytest.fixture
def visits(encoder, collection, curator, chunks):
    """A table beside the passages."""
    file = ContentFile(VISITS.encode(), name="visits.csv")
    version = upload_document(collection, file, actor=curator)
    ingest(str(version.pk))
    return version


@pytest.fixture
def expert(chunks, collection, team, admin):
    return create_expert("Service", actor=admin, collections=[collection], groups=[team])


@pytest.fixture
def ask_as(expert):
    """Asks the expert as somebody; returns the queued answer."""

    def asking(user, question="What is the seal kit of the Heron pump?", **fields):
        return ask(user, client_id=uuid4(), question=question, expert_id=expert.pk, **fields)

    return asking


@pytest.fixture
def cited(alice, ask_as, chunks):
    """A finished answer with one citation."""
    answer = ask_as(alice)
    chunk = chunks[1]
    passage = Passage.objects.create(
        answer=answer,
        marker=1,
        chunk_id=chunk.pk,
        version_id=chunk.version_id,
        document_id=chunk.version.document_id,
        collection_id=chunk.collection_id,
        text=chunk.text,
        sha256=chunk.sha256,
        kind="text",
        document_title="Service handbook",
        version_number=1,
        file_sha256="f" * 64,
        media_type="application/pdf",
        page=2,
        boxes=[{"page": 2, "box": [0.1, 0.1, 0.9, 0.2]}],
    )
    Answer.objects.filter(pk=answer.pk).update(status="complete", text="The seal kit is SK-17 [1].")
    Citation.objects.create(
        answer=answer, start=0, end=26, passage=passage, support=0.9,
        verdict="supported", passage_start=0, passage_end=40,
    )  # fmt: skip
    answer.refresh_from_db()
    return answer


@pytest.fixture
async def valkey():
    connected = async_client()
    yield connected
    await connected.aclose()


class Gate:
    """Lets a scripted engine say one piece each time it is opened."""

    def __init__(self):
        self._reached, self._open = asyncio.Queue(), asyncio.Queue()

    async def __call__(self, piece):
        self._reached.put_nowait(piece)
        await self._open.get()

    async def reached(self):
        """The piece that waits at the gate."""
        return await asyncio.wait_for(self._reached.get(), 10)

    def open(self):
        self._open.put_nowait(None)


@pytest.fixture
def gate():
    return Gate()
